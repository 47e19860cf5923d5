"""The alerts that should exist, derived from the truth alone."""

from dataclasses import dataclass
from typing import Final

from simulators.verify.history import FOREVER, AbsenceSpan, RegisterRead, RunHistory
from simulators.verify.limits import VerificationLimits
from wire.units import SECOND_MS

SLACK_MS: Final = 2 * SECOND_MS  # between the clocks of truth and record


@dataclass(slots=True)
class ExpectedAlert:
    """Something that deserves one alert of `rule` about `subject`, between `begin` and `end`.

    `due` is when its alert and ticket must exist, None if it was too short to demand one. A rule
    `by_server_time` is matched by when the alert was raised, other rules by its onset.
    """

    rule: str
    subject: str
    code: str | None
    begin: int
    end: int
    due: int | None
    by_server_time: bool = False
    grace: int = SLACK_MS

    def __post_init__(self) -> None:
        assert self.begin <= self.end, "an expected alert ends before it begins"

    def covers(self, onset: int, raised_at: int) -> bool:
        """Whether an alert with these times may be this one."""
        at = raised_at if self.by_server_time else onset
        return self.begin - SLACK_MS <= at <= self.end + self.grace


def expected_alerts(
    history: RunHistory, heard: dict[str, list[RegisterRead]], limits: VerificationLimits
) -> list[ExpectedAlert]:
    """Every expected alert of the run, in no particular order."""
    from_reads: list[ExpectedAlert] = []
    for device, reads in heard.items():
        from_reads += _faults(device, reads, limits)
        from_reads += _low_rooms(device, reads, limits)
        from_reads += _defrosting(device, reads, limits)
    for expected in from_reads:
        _wait_for_gateway(expected, history, limits)
    return from_reads + _gateways(history, limits) + _devices(history, limits)


def _faults(
    device: str, reads: list[RegisterRead], limits: VerificationLimits
) -> list[ExpectedAlert]:
    codes = {code for read in reads for code in read.faults}
    faults = []
    for code in sorted(codes):
        shown = [(read.at, code in read.faults) for read in reads]
        for begin, end in _stretches(shown, limits.fault_off_readings):
            due = begin + limits.grace_ms
            faults.append(ExpectedAlert("fault", device, code, begin, end, due))
    return faults


def _stretches(seen: list[tuple[int, bool]], off_readings: int) -> list[tuple[int, int]]:
    """The spans from the first time something was seen until it was unseen `off_readings` times."""
    stretches: list[tuple[int, int]] = []
    begin: int | None = None
    misses = 0
    for at, present in seen:
        if present:
            begin, misses = (at if begin is None else begin), 0
        elif begin is not None:
            misses += 1
            if misses >= off_readings:
                stretches.append((begin, at))
                begin = None
    if begin is not None:
        stretches.append((begin, FOREVER))
    return stretches


def _low_rooms(
    device: str, reads: list[RegisterRead], limits: VerificationLimits
) -> list[ExpectedAlert]:
    """Rooms below the limit for the on-delay, until they reach the limit plus the deadband."""
    rooms_low = []
    begin: int | None = None
    last_low = 0
    rooms = [(read.at, read.values["room_c"]) for read in reads if "room_c" in read.values]
    for at, room in rooms:
        if room < limits.low_room_c:
            begin, last_low = (at if begin is None else begin), at
            continue
        if begin is None:
            continue
        raised = last_low - begin >= limits.low_room_on_delay_ms
        if not raised or room >= limits.low_room_c + limits.low_room_deadband_k:
            rooms_low.append(_low_room(device, begin, at, last_low, limits))
            begin = None
    if begin is not None:
        rooms_low.append(_low_room(device, begin, FOREVER, last_low, limits))
    return [expected for expected in rooms_low if _could_be_raised(expected, limits)]


def _could_be_raised(expected: ExpectedAlert, limits: VerificationLimits) -> bool:
    """Whether the room may have been low for the on-delay; nobody knows it between two reads."""
    return expected.end - expected.begin >= limits.low_room_on_delay_ms - SLACK_MS


def _low_room(
    device: str, begin: int, end: int, last_low: int, limits: VerificationLimits
) -> ExpectedAlert:
    raised = last_low - begin >= limits.low_room_on_delay_ms
    due = begin + limits.low_room_on_delay_ms + limits.grace_ms if raised else None
    return ExpectedAlert("low_room_temperature", device, None, begin, end, due)


def _defrosting(
    device: str, reads: list[RegisterRead], limits: VerificationLimits
) -> list[ExpectedAlert]:
    """A defrost share above the limit over the whole run; it excuses an alert and demands none."""
    defrosting = sum(read.state == "defrost" for read in reads)
    heating = sum(read.state == "heating" for read in reads)
    if not reads or defrosting <= limits.defrost_share * (defrosting + heating):
        return []
    return [ExpectedAlert("defrost_share", device, None, reads[0].at, FOREVER, None)]


def _wait_for_gateway(
    expected: ExpectedAlert, history: RunHistory, limits: VerificationLimits
) -> None:
    """Move the due time of an alert behind the return of its gateway, if that was down."""
    if expected.due is None:
        return
    back = history.up_again(expected.subject, expected.begin, expected.due)
    if back is not None:
        expected.due = max(expected.due, back + limits.offline_grace_ms) if back < FOREVER else None


def _gateways(history: RunHistory, limits: VerificationLimits) -> list[ExpectedAlert]:
    return [
        _absence(
            "gateway_offline", gateway, span.begin, span.end, _gateway_needed(span, limits), limits
        )
        for gateway, spans in history.down.items()
        for span in spans
    ]


def _gateway_needed(span: AbsenceSpan, limits: VerificationLimits) -> int:
    return limits.offline_grace_ms + (
        limits.last_will_ms if span.last_will else limits.gateway_offline_ms
    )


def _devices(history: RunHistory, limits: VerificationLimits) -> list[ExpectedAlert]:
    needed = limits.device_offline_ms + limits.offline_grace_ms
    absences = []
    for device, spans in history.silent.items():
        for span in spans:
            expected = _absence("device_offline", device, span.begin, span.end, needed, limits)
            if history.up_again(device, span.begin, min(span.end, span.begin + needed)) is not None:
                expected.due = None  # its gateway was down as well, which hides it
            absences.append(expected)
    return absences


def _absence(
    rule: str, subject: str, begin: int, end: int, needed: int, limits: VerificationLimits
) -> ExpectedAlert:
    due = begin + needed if end - begin >= needed else None
    return ExpectedAlert(
        rule, subject, None, begin, end, due, by_server_time=True, grace=limits.offline_grace_ms
    )
