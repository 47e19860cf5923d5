"""The settings of `simulate bus`: lines, their units, and the scenario."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from configuration.fields import FilePath, Identifier, Settings
from simulators.registers.brands import MAPS
from simulators.registers.serial_format import Parity, SerialFormat
from simulators.unit.quirks import Quirks, parse_quirks


def _simulated_profile(profile: str) -> str:
    if profile not in MAPS:
        raise ValueError(f"{profile!r} cannot be simulated; there are {', '.join(sorted(MAPS))}")
    return profile


def _socket(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"{address!r} is not HOST:PORT")
    return address


def _quirk(text: str) -> str:
    parse_quirks([text])
    return text


Quirk = Annotated[str, AfterValidator(_quirk)]
Profile = Annotated[str, AfterValidator(_simulated_profile)]
SocketAddress = Annotated[str, AfterValidator(_socket)]


class UnitSettings(Settings):
    """One heat pump: its device id and its Modbus address on the line."""

    id: Identifier
    address: Annotated[int, Field(ge=1, le=247)]


class LineSettings(Settings):
    """A line with its units: a pseudo-terminal linked at `pty`, or a server at HOST:PORT.

    At `tcp` the server speaks Modbus TCP. At `rtu_tcp` it passes RTU frames on, as a transparent
    serial server does. With `baud` replies take the time of a real line; without it they come at
    once. `parity` and `stop` default to those of the brand. `quirks` are names or `name:number`, as
    `simulate bus --quirks list` prints them.
    """

    pty: FilePath | None = None
    tcp: SocketAddress | None = None
    rtu_tcp: SocketAddress | None = None
    profile: Profile = "midea-mthermal"
    baud: Annotated[int, Field(ge=1_200, le=115_200)] | None = None
    parity: Parity | None = None
    stop: Literal[1, 2] | None = None
    quirks: tuple[Quirk, ...] = ()
    unit: tuple[UnitSettings, ...]

    @property
    def switched(self) -> Quirks:
        """The active quirks with their numbers."""
        return parse_quirks(self.quirks)

    @property
    def serial(self) -> SerialFormat | None:
        """The character format of the wire; None if replies take no time."""
        brand = MAPS[self.profile].serial
        if self.baud is None:
            return None
        return SerialFormat(self.baud, self.parity or brand.parity, self.stop or brand.stop)

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if [self.pty, self.tcp, self.rtu_tcp].count(None) != 2:
            raise ValueError("name one of pty, tcp and rtu_tcp")
        if not self.unit:
            raise ValueError("name at least one unit")
        addresses = [unit.address for unit in self.unit]
        if len(set(addresses)) != len(addresses):
            raise ValueError("two units of one line have the same address")
        return self


class SimulationSettings(Settings):
    """The whole simulation.

    `speed` multiplies physical time. It does not change the times of the scenario's events.
    """

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
    rtu_tcp: str | None = None,
    pty: Path | None = None,
    profile: str = "midea-mthermal",
    units: int = 1,
    first_address: int = 1,
    scenario: Path | None = None,
    baud: int | None = None,
    parity: str | None = None,
    stop: int | None = None,
    quirks: tuple[str, ...] = (),
    seed: int = 1,
    speed: float = 1.0,
    truth: Path | None = None,
) -> SimulationSettings:
    """One line with `units` units `sim-0001`, `sim-0002`… at addresses from `first_address` on.

    Without `baud` an RTU line has the speed of its brand, and Modbus TCP takes no time. Raises
    pydantic's ValidationError.
    """
    if baud is None and tcp is None and profile in MAPS:
        baud = MAPS[profile].serial.baud
    members = [{"id": f"sim-{i + 1:04}", "address": first_address + i} for i in range(units)]
    where = {"pty": pty, "tcp": tcp, "rtu_tcp": rtu_tcp}
    serial = {"baud": baud, "parity": parity, "stop": stop}
    line = {**where, **serial, "profile": profile, "quirks": quirks, "unit": members}
    return SimulationSettings.model_validate(
        {"scenario": scenario, "seed": seed, "speed": speed, "truth": truth, "line": [line]}
    )
