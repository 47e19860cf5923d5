"""Hand-made runs for verification: a faultless record that a test then spoils."""

from dataclasses import dataclass, field
from typing import Any

from simulators.verify import RecordedReading, Verification, VerificationLimits, verify

T0 = 1_795_302_800_000
STEP = 5_000
LIMITS = VerificationLimits(
    low_room_on_delay_ms=10_000, gateway_offline_ms=15_000, device_offline_ms=30_000
)
HEALTHY = {
    "supply_c": 42.0,
    "return_c": 38.0,
    "room_c": 20.0,
    "outdoor_c": -7.0,
    "compressor_hz": 50.0,
}


def at(number: int) -> int:
    return T0 + number * STEP


@dataclass
class Case:
    """A run in which everything is recorded as it should be, until a test spoils it."""

    truth: list[dict[str, Any]] = field(default_factory=list)
    stored: list[RecordedReading] = field(default_factory=list)
    gaps: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    tickets: list[dict[str, Any]] = field(default_factory=list)

    def read(
        self,
        device: str,
        number: int,
        faults: tuple[str, ...] = (),
        stored: bool = True,
        **values: float,
    ) -> None:
        held = HEALTHY | values
        line = {
            "type": "read",
            "device": device,
            "at": at(number),
            "state": "heating",
            "faults": list(faults),
        }
        self.truth.append(line | {"values": held})
        if stored:
            self.stored.append(
                RecordedReading(device, at(number) - 40, "heating", faults, dict(held))
            )

    def alert(
        self, rule: str, subject: str, onset: int, code: str | None = None, ticketed: bool = True
    ) -> None:
        name = f"alert-{len(self.alerts)}"
        document = {"id": name, "rule": rule, "subject": subject, "code": code, "onset": onset}
        self.alerts.append(
            document | {"raised_at": onset + 500, "cleared_at": None, "state": "active"}
        )
        if ticketed:
            self.ticket(name)

    def ticket(self, *alerts: str) -> None:
        name = f"T-{len(self.tickets)}"
        self.tickets.append(
            {"id": name, "alerts": list(alerts), "source": "telemetry", "opened_at": T0}
        )

    def edge(self, kind: str, edge: str, number: int, **names: Any) -> None:
        self.truth.append({"type": kind, "edge": edge, "at": at(number), **names})

    def run(self, end: int = 24, limits: VerificationLimits = LIMITS) -> Verification:
        truth = [
            {"type": "start", "at": T0, "seed": 1},
            *sorted(self.truth, key=lambda line: line["at"]),
        ]
        truth.append({"type": "stop", "at": at(end)})
        return verify(truth, self.stored, self.gaps, self.alerts, self.tickets, limits)


def healthy(devices: int = 2, end: int = 24) -> Case:
    case = Case()
    for number in range(end):
        for device in range(devices):
            case.read(f"d{device}", number)
    return case


def faulty(first: int = 4, last: int = 24, code: str = "high_pressure:P1") -> Case:
    case = Case()
    for number in range(24):
        case.read("d0", number, (code,) if first <= number < last else ())
    return case


def gateway_dies(returns: int | None, last_will: bool = False) -> Case:
    case = Case()
    for number in range(40):
        if number <= 4 or (returns is not None and number >= returns):
            case.read("d0", number)
        case.read("d1", number)
    case.edge("gateway", "down", 5, gateway="gw-0", devices=["d0"], last_will=last_will)
    if returns is not None:
        case.edge("gateway", "up", returns, gateway="gw-0", devices=["d0"])
    return case


def findings(result: Verification) -> dict[str, int]:
    document = result.to_document()
    return {
        name: document[name] for name in ("lost", "duplicated", "missed", "false", "wrong_values")
    }


def only(**expected: int) -> dict[str, int]:
    return dict.fromkeys(("lost", "duplicated", "missed", "false", "wrong_values"), 0) | expected
