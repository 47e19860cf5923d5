"""What `simulate bus` runs: which units stand on which lines, in which scenario."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from configuration.fields import FilePath, Identifier, Settings
from simulators.bus.quirks import Quirk
from simulators.registers import MAPS


def _known(profile: str) -> str:
    if profile not in MAPS:
        raise ValueError(f"{profile!r} cannot be simulated; there are {', '.join(sorted(MAPS))}")
    return profile


def _socket(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"{address!r} is not HOST:PORT")
    return address


Profile = Annotated[str, AfterValidator(_known)]
SocketAddress = Annotated[str, AfterValidator(_socket)]


class UnitSettings(Settings):
    """One heat pump: its device id and its Modbus address on the line."""

    id: Identifier
    address: Annotated[int, Field(ge=1, le=247)]


class LineSettings(Settings):
    """A line with its units: a pseudo-terminal linked at `pty`, or Modbus TCP at `tcp` (HOST:PORT).

    `baud` paces a pseudo-terminal as a real line would; without it replies come at once.
    """

    pty: FilePath | None = None
    tcp: SocketAddress | None = None
    profile: Profile = "midea-mthermal"
    baud: Annotated[int, Field(ge=1_200, le=115_200)] | None = None
    quirks: tuple[Quirk, ...] = ()
    unit: tuple[UnitSettings, ...]

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.pty is None) == (self.tcp is None):
            raise ValueError("name either pty or tcp")
        if not self.unit:
            raise ValueError("name at least one unit")
        addresses = [unit.address for unit in self.unit]
        if len(set(addresses)) != len(addresses):
            raise ValueError("two units of one line have the same address")
        return self


class SimulationSettings(Settings):
    """The whole simulation; `speed` multiplies physical time, not the times of the scenario's events."""

    scenario: FilePath | None = None
    seed: int = 1
    speed: Annotated[float, Field(gt=0.0, le=10_000.0)] = 1.0
    truth: FilePath | None = None
    line: tuple[LineSettings, ...]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        if not self.line:
            raise ValueError("name at least one line")
        ids = [unit.id for line in self.line for unit in line.unit]
        if len(set(ids)) != len(ids):
            raise ValueError("two units have the same id")
        return self


def settings_from_flags(
    *,
    tcp: str | None = None,
    pty: Path | None = None,
    profile: str = "midea-mthermal",
    units: int = 1,
    first_address: int = 1,
    scenario: Path | None = None,
    baud: int | None = None,
    quirks: tuple[str, ...] = (),
    seed: int = 1,
    speed: float = 1.0,
    truth: Path | None = None,
) -> SimulationSettings:
    """One line with `units` units `sim-0001`… from `first_address` on; raises pydantic's ValidationError."""
    members = [{"id": f"sim-{i + 1:04}", "address": first_address + i} for i in range(units)]
    line = {"pty": pty, "tcp": tcp, "profile": profile, "baud": baud, "quirks": quirks, "unit": members}
    return SimulationSettings.model_validate(
        {"scenario": scenario, "seed": seed, "speed": speed, "truth": truth, "line": [line]}
    )
