"""What the gateway would ask on each line, and whether there is time for it. Pure; no bus is
touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from configuration.load import ConfigurationProblem
from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.read_plan import ReadRequest, sweep_s
from gateway_agent.polling.cadence import Cadence
from gateway_agent.polling.unit import plan_visits
from gateway_agent.profile.schema import Profile
from gateway_agent.settings import BusSettings, DeviceSettings, GatewaySettings

# A line planned to its last millisecond has no time for a repeated question; the rest of the
# interval is for those.
_USABLE_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """What one unit is asked in a reading, and in a look at its state and faults; and how long that
    takes.

    `usual_milliseconds` is of a reading without the slow points.
    """

    device: str
    address: int
    profile: str
    points: tuple[str, ...]
    slow: tuple[str, ...]
    requests: tuple[ReadRequest, ...]
    looks: tuple[ReadRequest, ...]
    milliseconds: float
    usual_milliseconds: float
    look_milliseconds: float


@dataclass(frozen=True, slots=True)
class LinePlan:
    """One line and its units."""

    line: LineAddress
    devices: tuple[DevicePlan, ...]
    cadence: Cadence

    @property
    def interval_ms(self) -> int:
        """Milliseconds from one reading of a unit to the next."""
        return round(1_000 * self.cadence.interval_s)

    @property
    def milliseconds(self) -> float:
        """How long it takes to read every unit once."""
        return sum(device.milliseconds for device in self.devices)

    @property
    def readings_milliseconds(self) -> float:
        """Bus time of the readings of one interval, in which one unit of `slow_every` has its turn
        of slow points."""
        usual = sum(device.usual_milliseconds for device in self.devices)
        return usual + (self.milliseconds - usual) / self.cadence.slow_every

    @property
    def busy_milliseconds(self) -> float:
        """Bus time of one interval: every unit is read once and looked at in all other turns."""
        looks = sum(device.look_milliseconds for device in self.devices)
        return self.readings_milliseconds + (self.cadence.turns - 1) * looks

    @property
    def fits(self) -> bool:
        """Whether all of that fits in the interval, with a tenth of it left for repeated
        questions."""
        return self.busy_milliseconds <= _USABLE_SHARE * self.interval_ms


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The read plan of a configuration, and its problems (exit code 2 where there are any)."""

    lines: tuple[LinePlan, ...]
    problems: tuple[ConfigurationProblem, ...]

    def to_document(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return {
            "ok": not self.problems,
            "problems": [
                {"key": problem.key, "message": problem.message} for problem in self.problems
            ],
            "lines": [_line_document(line) for line in self.lines],
        }

    def to_text(self) -> str:
        """The report for a person."""
        return "\n".join(
            [*(text for line in self.lines for text in _line_text(line)), *map(str, self.problems)]
        )


def check_gateway(
    settings: GatewaySettings, profiles: Mapping[str, Profile], file: Path = Path("gateway.toml")
) -> CheckReport:
    """The plan for `settings`; `profiles` by reference, `file` is what problems are reported
    against."""
    lines = tuple(_plan_line(bus, profiles, settings.cadence) for bus in settings.bus)
    problems = tuple(
        ConfigurationProblem(file, f"bus[{number}]", _too_slow(line))
        for number, line in enumerate(lines)
        if not line.fits
    )
    return CheckReport(lines, problems)


def _plan_line(bus: BusSettings, profiles: Mapping[str, Profile], cadence: Cadence) -> LinePlan:
    devices = (_plan_device(device, profiles[device.profile], bus.line) for device in bus.device)
    return LinePlan(bus.line, tuple(devices), cadence)


def _plan_device(device: DeviceSettings, profile: Profile, line: LineAddress) -> DevicePlan:
    plans = plan_visits(profile, line)
    whole, usual, look = plans["read_all"], plans["read"], plans["look"]
    return DevicePlan(
        device.id,
        device.address,
        profile.profile,
        profile.points,
        tuple(point for point in profile.points if point in profile.read.slow),
        tuple(whole),
        tuple(look),
        1_000 * sweep_s(whole, profile.read, line),
        1_000 * sweep_s(usual, profile.read, line),
        1_000 * sweep_s(look, profile.read, line),
    )


def _too_slow(line: LinePlan) -> str:
    need_s, interval_s = line.busy_milliseconds / 1_000, line.interval_ms / 1_000
    if line.readings_milliseconds > _USABLE_SHARE * line.interval_ms:
        way_out = "lengthen the interval, raise the baud rate or use two lines"
    else:
        way_out = "lengthen `look` or the interval, raise the baud rate or use two lines"
    return f"{line.line.name} is busy for {need_s:.1f} s, more than nine tenths of {interval_s:g} s; {way_out}"


def _line_document(line: LinePlan) -> dict[str, Any]:
    return {
        "bus": line.line.name,
        "sweep_ms": round(line.milliseconds),
        "readings_ms": round(line.readings_milliseconds),
        "busy_ms": round(line.busy_milliseconds),
        "interval_ms": line.interval_ms,
        "look_interval_ms": round(1_000 * line.cadence.turn_s),
        "slow_interval_ms": line.interval_ms * line.cadence.slow_every,
        "load": round(line.busy_milliseconds / line.interval_ms, 4),
        "fits": line.fits,
        "devices": [_device_document(device) for device in line.devices],
    }


def _device_document(device: DevicePlan) -> dict[str, Any]:
    return {
        "device": device.device,
        "address": device.address,
        "profile": device.profile,
        "points": list(device.points),
        "slow_points": list(device.slow),
        "read_ms": round(device.milliseconds),
        "look_ms": round(device.look_milliseconds),
        "requests": list(map(_request_document, device.requests)),
        "look_requests": list(map(_request_document, device.looks)),
    }


def _request_document(request: ReadRequest) -> dict[str, Any]:
    where = {"table": request.table, "function": request.function}
    return where | {"address": request.address, "count": request.count}


def _line_text(line: LinePlan) -> list[str]:
    cadence, load = line.cadence, 100 * line.busy_milliseconds / line.interval_ms
    head = (
        f"{line.line.name}: {len(line.devices)} devices, busy {line.busy_milliseconds / 1_000:.2f} s of "
        f"{cadence.interval_s:g} s ({load:.0f} %); all read in {line.milliseconds / 1_000:.2f} s"
    )
    return [head, *(text for device in line.devices for text in _device_text(device, cadence))]


def _device_text(device: DevicePlan, cadence: Cadence) -> list[str]:
    where = f"  {device.device} address {device.address} {device.profile}"
    often = f"{len(device.points)} points every {cadence.interval_s:g} s"
    lines = [f"{where}: {often}, {device.milliseconds:.0f} ms in {_blocks(device.requests)}"]
    if cadence.turns > 1:
        lines.append(
            f"    state and faults every {cadence.turn_s:g} s, {device.look_milliseconds:.0f} ms in "
            f"{_blocks(device.looks)}"
        )
    if device.slow and cadence.slow_every > 1:
        rarely_s = cadence.interval_s * cadence.slow_every
        lines.append(f"    of the points every {rarely_s:g} s: {', '.join(device.slow)}")
    return lines


def _blocks(requests: Sequence[ReadRequest]) -> str:
    blocks = ", ".join(f"{r.address}-{r.address + r.count - 1}" for r in requests)
    return f"{len(requests)} request{'s' * (len(requests) != 1)} ({blocks})"
