"""The requests of a configuration on each line, and their bus time. Pure; no bus is touched.

The JSON report keeps the word `look` for a status poll, because operators' scripts read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from configuration.load import ConfigurationProblem
from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.read_plan import bus_time_s
from gateway_agent.bus.requests import ReadRequest
from gateway_agent.polling.cadence import Cadence, cadence_of
from gateway_agent.polling.visit_plan import plan_visits
from gateway_agent.profile.schema import Profile
from gateway_agent.settings import BusSettings, GatewaySettings

# The rest of the interval is for repeated questions; a line planned to its last millisecond has
# no time for one.
_USABLE_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """The requests of one unit's readings and status polls, and the bus time they take.

    `usual_milliseconds` is the time of a reading without the slow points.
    """

    device: str
    address: int
    profile: str
    points: tuple[str, ...]
    slow: tuple[str, ...]
    requests: tuple[ReadRequest, ...]
    status_requests: tuple[ReadRequest, ...]
    milliseconds: float
    usual_milliseconds: float
    status_milliseconds: float


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
        """Bus time of one reading of every unit, slow points included."""
        return sum(device.milliseconds for device in self.devices)

    @property
    def readings_milliseconds(self) -> float:
        """Bus time of the readings of one interval; one unit in `slow_every` reads slow points."""
        usual = sum(device.usual_milliseconds for device in self.devices)
        return usual + (self.milliseconds - usual) / self.cadence.slow_every

    @property
    def busy_milliseconds(self) -> float:
        """Bus time of one interval: every unit is read once and polled in all other sweeps."""
        status = sum(device.status_milliseconds for device in self.devices)
        return self.readings_milliseconds + (self.cadence.sweeps - 1) * status

    @property
    def fits(self) -> bool:
        """Whether the bus time leaves a tenth of the interval for repeated questions."""
        return self.busy_milliseconds <= _USABLE_SHARE * self.interval_ms


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The read plan of a configuration, and its problems (any of them means exit code 2)."""

    lines: tuple[LinePlan, ...]
    problems: tuple[ConfigurationProblem, ...]

    def to_document(self) -> dict[str, Any]:
        """The report as a JSON object."""
        problems = [{"key": each.key, "message": each.message} for each in self.problems]
        lines = [_line_document(line) for line in self.lines]
        return {"ok": not self.problems, "problems": problems, "lines": lines}

    def to_text(self) -> str:
        """The report for a person."""
        plans = [text for line in self.lines for text in _line_text(line)]
        return "\n".join([*plans, *map(str, self.problems)])


def check_gateway(
    settings: GatewaySettings, profiles: Mapping[str, Profile], file: Path = Path("gateway.toml")
) -> CheckReport:
    """The plan of `settings`, which stand in `file`; `profiles` are by their references."""
    cadence = cadence_of(settings)
    lines = tuple(_plan_line(bus, profiles, cadence) for bus in settings.bus)
    problems = tuple(
        ConfigurationProblem(file, f"bus[{number}]", _too_slow(line))
        for number, line in enumerate(lines)
        if not line.fits
    )
    return CheckReport(lines, problems)


def _plan_line(bus: BusSettings, profiles: Mapping[str, Profile], cadence: Cadence) -> LinePlan:
    devices = [
        _plan_device(device.id, device.address, profiles[device.profile], bus.line)
        for device in bus.device
    ]
    meters = [
        _plan_device(f"{meter.device} meter", meter.address, profiles[meter.profile], bus.line)
        for meter in bus.meter
    ]
    return LinePlan(bus.line, (*devices, *meters), cadence)


def _plan_device(name: str, address: int, profile: Profile, line: LineAddress) -> DevicePlan:
    plans = plan_visits(profile, line)
    whole, usual, status = plans["read_all"], plans["read"], plans["status_poll"]
    return DevicePlan(
        device=name,
        address=address,
        profile=profile.profile,
        points=profile.points,
        slow=tuple(point for point in profile.points if point in profile.read.slow),
        requests=tuple(whole),
        status_requests=tuple(status),
        milliseconds=1_000 * bus_time_s(whole, profile.read, line),
        usual_milliseconds=1_000 * bus_time_s(usual, profile.read, line),
        status_milliseconds=1_000 * bus_time_s(status, profile.read, line),
    )


def _too_slow(line: LinePlan) -> str:
    need_s, interval_s = line.busy_milliseconds / 1_000, line.interval_ms / 1_000
    if line.readings_milliseconds > _USABLE_SHARE * line.interval_ms:
        way_out = "lengthen the interval"
    else:
        way_out = "lengthen `status_every` or the interval"
    return (
        f"{line.line.name} is busy for {need_s:.1f} s, more than nine tenths of {interval_s:g} s; "
        f"{way_out}, raise the baud rate or use two lines"
    )


def _line_document(line: LinePlan) -> dict[str, Any]:
    return {
        "bus": line.line.name,
        "sweep_ms": round(line.milliseconds),
        "readings_ms": round(line.readings_milliseconds),
        "busy_ms": round(line.busy_milliseconds),
        "interval_ms": line.interval_ms,
        "look_interval_ms": round(1_000 * line.cadence.sweep_s),
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
        "look_ms": round(device.status_milliseconds),
        "requests": list(map(_request_document, device.requests)),
        "look_requests": list(map(_request_document, device.status_requests)),
    }


def _request_document(request: ReadRequest) -> dict[str, Any]:
    where = {"table": request.table, "function": request.function}
    return where | {"address": request.address, "count": request.count}


def _line_text(line: LinePlan) -> list[str]:
    cadence, load = line.cadence, 100 * line.busy_milliseconds / line.interval_ms
    head = (
        f"{line.line.name}: {len(line.devices)} devices, "
        f"busy {line.busy_milliseconds / 1_000:.2f} s of {cadence.interval_s:g} s ({load:.0f} %); "
        f"all read in {line.milliseconds / 1_000:.2f} s"
    )
    return [head, *(text for device in line.devices for text in _device_text(device, cadence))]


def _device_text(device: DevicePlan, cadence: Cadence) -> list[str]:
    where = f"  {device.device} address {device.address} {device.profile}"
    often = f"{len(device.points)} points every {cadence.interval_s:g} s"
    lines = [f"{where}: {often}, {device.milliseconds:.0f} ms in {_blocks(device.requests)}"]
    if cadence.sweeps > 1:
        often = f"state and faults every {cadence.sweep_s:g} s"
        blocks = _blocks(device.status_requests)
        lines.append(f"    {often}, {device.status_milliseconds:.0f} ms in {blocks}")
    if device.slow and cadence.slow_every > 1:
        rarely_s = cadence.interval_s * cadence.slow_every
        lines.append(f"    of the points every {rarely_s:g} s: {', '.join(device.slow)}")
    return lines


def _blocks(requests: Sequence[ReadRequest]) -> str:
    blocks = ", ".join(f"{each.address}-{each.address + each.count - 1}" for each in requests)
    count = "1 request" if len(requests) == 1 else f"{len(requests)} requests"
    return f"{count} ({blocks})"
