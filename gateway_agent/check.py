"""What the gateway would ask on each line, and whether there is time for it. Pure; no bus is touched."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from configuration.load import Problem
from gateway_agent.line import LineAddress
from gateway_agent.plan import ReadRequest, plan_reads, sweep_s
from gateway_agent.profile import Profile
from gateway_agent.settings import BusSettings, GatewaySettings

# A line planned to its last millisecond has no time for a repeated question; the rest of the interval is for those.
_USABLE_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """The requests to one unit in every sweep, and how many milliseconds they take."""

    device: str
    address: int
    profile: str
    points: tuple[str, ...]
    requests: tuple[ReadRequest, ...]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class LinePlan:
    """One line: its units, and the milliseconds of one sweep out of those of the interval."""

    line: LineAddress
    devices: tuple[DevicePlan, ...]
    milliseconds: float
    interval_ms: int

    @property
    def fits(self) -> bool:
        """Whether a sweep fits in the interval, with a tenth of it left for repeated questions."""
        return self.milliseconds <= _USABLE_SHARE * self.interval_ms


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The read plan of a configuration, and its problems (exit code 2 where there are any)."""

    lines: tuple[LinePlan, ...]
    problems: tuple[Problem, ...]

    def to_document(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return {
            "ok": not self.problems,
            "problems": [{"key": problem.key, "message": problem.message} for problem in self.problems],
            "lines": [_line_document(line) for line in self.lines],
        }

    def to_text(self) -> str:
        """The report for a person."""
        return "\n".join([*(text for line in self.lines for text in _line_text(line)), *map(str, self.problems)])


def check_gateway(
    settings: GatewaySettings, profiles: Mapping[str, Profile], file: Path = Path("gateway.toml")
) -> CheckReport:
    """The plan for `settings`; `profiles` by reference, `file` is what problems are reported against."""
    lines = tuple(_plan_line(bus, profiles, settings.interval) for bus in settings.bus)
    problems = tuple(
        Problem(file, f"bus[{number}]", _too_slow(line)) for number, line in enumerate(lines) if not line.fits
    )
    return CheckReport(lines, problems)


def _plan_line(bus: BusSettings, profiles: Mapping[str, Profile], interval_ms: int) -> LinePlan:
    devices = []
    for device in bus.device:
        profile = profiles[device.profile]
        requests = plan_reads(profile.spans(), profile.read, bus.line)
        took_ms = 1_000 * sweep_s(requests, profile.read, bus.line)
        devices.append(DevicePlan(device.id, device.address, profile.profile, profile.points, tuple(requests), took_ms))
    return LinePlan(bus.line, tuple(devices), sum(device.milliseconds for device in devices), interval_ms)


def _too_slow(line: LinePlan) -> str:
    return (
        f"one sweep of {line.line.name} takes {line.milliseconds / 1_000:.1f} s, more than nine tenths of the "
        f"interval of {line.interval_ms / 1_000:g} s; lengthen the interval, raise the baud rate or use two lines"
    )


def _line_document(line: LinePlan) -> dict[str, Any]:
    return {
        "bus": line.line.name,
        "sweep_ms": round(line.milliseconds),
        "interval_ms": line.interval_ms,
        "load": round(line.milliseconds / line.interval_ms, 4),
        "fits": line.fits,
        "devices": [_device_document(device) for device in line.devices],
    }


def _device_document(device: DevicePlan) -> dict[str, Any]:
    return {
        "device": device.device,
        "address": device.address,
        "profile": device.profile,
        "points": list(device.points),
        "read_ms": round(device.milliseconds),
        "requests": [
            {"table": r.table, "function": r.function, "address": r.address, "count": r.count} for r in device.requests
        ],
    }


def _line_text(line: LinePlan) -> list[str]:
    load = 100 * line.milliseconds / line.interval_ms
    head = (
        f"{line.line.name}: {len(line.devices)} devices, {line.milliseconds / 1_000:.2f} s of "
        f"{line.interval_ms / 1_000:g} s ({load:.0f} %)"
    )
    return [head, *map(_device_text, line.devices)]


def _device_text(device: DevicePlan) -> str:
    blocks = ", ".join(f"{r.address}-{r.address + r.count - 1}" for r in device.requests)
    return (
        f"  {device.device} address {device.address} {device.profile}: {len(device.requests)} requests "
        f"({blocks}), {device.milliseconds:.0f} ms, {len(device.points)} points"
    )
