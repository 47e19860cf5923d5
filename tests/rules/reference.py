"""The rules again, written the plain way: one reading at a time, one small object per device, no
arrays."""

from dataclasses import dataclass, field
from typing import Any

from rules.kinds.lasting.fault import FaultRule
from rules.kinds.lasting.low_limit import LowLimitRule
from rules.kinds.lasting.symptoms import SymptomsRule
from rules.kinds.states.defrost_share import DefrostShareRule
from rules.kinds.states.repeated import RepeatedRule
from tests.rules.reference_kinds import RepeatedReference, SymptomsReference, applies
from wire.messages import Reading
from wire.units import HOUR_MS

Reported = tuple[int, str, str, str, str | None, int, str, float | None, str]
"""(at, subject, rule, edge, code, onset, priority, value rounded, reason)"""


@dataclass
class _Fault:
    onset: int
    missed: int = 0
    raised: bool = False


@dataclass
class FaultReference:
    rule: FaultRule
    present: dict[str, _Fault] = field(default_factory=dict)

    def step(self, reading: Reading, before: Reading | None, interval_ms: int) -> list[Any]:
        reported = []
        for code in sorted(self.present.keys() | set(reading.faults)):
            if code in reading.faults:
                held = self.present.setdefault(code, _Fault(reading.at))
                held.missed = 0
                if not held.raised and reading.at - held.onset >= self.rule.on_delay_ms:
                    held.raised = True
                    reported.append(self._tell(code, "raise", held.onset, "code_reported"))
                continue
            held = self.present[code]
            held.missed += "faults" not in reading.bad
            if held.missed >= self.rule.clear_readings:
                del self.present[code]
                if held.raised:
                    reported.append(self._tell(code, "clear", held.onset, "code_gone"))
        return reported

    def _tell(self, code: str, edge: str, onset: int, reason: str) -> Any:
        meaning = self.rule.meanings[code.split(":")[0]]
        return edge, code, onset, meaning.priority or self.rule.priority, None, reason


@dataclass
class LowLimitReference:
    rule: LowLimitRule
    known_at: int | None = None
    below_since: int | None = None
    normal_since: int | None = None
    active: bool = False
    depth: int = 0

    def step(self, reading: Reading, before: Reading | None, interval_ms: int) -> list[Any]:
        value = reading.values.get(self.rule.point)
        if value is None or self.rule.point in reading.bad:
            return []
        allowed = max(3 * interval_ms, self.rule.max_gap_ms)
        gap = self.known_at is None or reading.at - self.known_at > allowed
        self.known_at = reading.at
        return (
            self._active(reading.at, value, gap)
            if self.active
            else self._pending(reading.at, value, gap)
        )

    def _depth(self, value: float) -> int:
        return sum(value < step.limit for step in self.rule.steps)

    def _pending(self, at: int, value: float, gap: bool) -> list[Any]:
        if value >= self.rule.limit:
            self.below_since = None
            return []
        if self.below_since is None or gap:
            self.below_since = at
        if at - self.below_since < self.rule.on_delay_ms:
            return []
        self.active, self.normal_since, self.depth = True, None, self._depth(value)
        return [self._tell("raise", value, "below_limit")]

    def _active(self, at: int, value: float, gap: bool) -> list[Any]:
        if value >= self.rule.limit + self.rule.deadband:
            if self.normal_since is None or gap:
                self.normal_since = at
            if at - self.normal_since >= self.rule.off_delay_ms:
                self.depth = 0
                reported = [self._tell("clear", value, "back_above_limit")]
                self.active, self.below_since = False, None
                return reported
            return []
        self.normal_since = None
        if self._depth(value) > self.depth:
            self.depth = self._depth(value)
            return [self._tell("update", value, "deeper_below_limit")]
        return []

    def _tell(self, edge: str, value: float, reason: str) -> Any:
        urgency = self.rule.steps[self.depth - 1].priority if self.depth else self.rule.priority
        return edge, None, self.below_since, urgency, round(value, 6), reason


@dataclass
class DefrostShareReference:
    rule: DefrostShareRule
    cycle: list[int] | None = None  # heating, defrost; None outside a cycle
    cycles: list[tuple[int, int, int]] = field(default_factory=list)  # heating, defrost, ended
    hours: dict[int, list[int]] = field(default_factory=dict)
    hour: int | None = None
    onset: int | None = None

    def step(self, reading: Reading, before: Reading | None, interval_ms: int) -> list[Any]:
        new_hour = reading.at // HOUR_MS != self.hour
        self.hour = reading.at // HOUR_MS
        ended = False
        hold = max(3 * interval_ms, self.rule.max_hold_ms)
        shown = before.state if before is not None and "state" not in before.bad else None
        if (
            before is None
            or shown is None
            or "state" in reading.bad
            or reading.at - before.at > hold
        ):
            if before is not None and shown is not None:
                self._credit(shown, min(hold, reading.at - before.at))
            self.cycle = None
        else:
            self._credit(shown, reading.at - before.at)
            ended = self._follow(shown, reading)
        return self._judge(reading.at) if new_hour or ended else []

    def _credit(self, state: str, milliseconds: int) -> None:
        if state not in ("heating", "defrost"):
            return
        index = ("heating", "defrost").index(state)
        assert self.hour is not None
        self.hours.setdefault(self.hour, [0, 0])[index] += milliseconds
        if self.cycle is not None:
            self.cycle[index] += milliseconds

    def _follow(self, previous: str, reading: Reading) -> bool:
        ended = False
        if previous == "defrost" and reading.state != "defrost":
            if self.cycle is not None:
                self.cycles.append((self.cycle[0], self.cycle[1], reading.at))
                ended = True
            self.cycle = None
        if reading.state == "heating" and previous != "heating" and self.cycle is None:
            self.cycle = [0, 0]
        return ended

    def _judge(self, at: int) -> list[Any]:
        newest = self.cycles[-self.rule.cycles :]
        if len(newest) == self.rule.cycles and newest[0][2] > at - 24 * HOUR_MS:
            sums, basis = [sum(c[0] for c in newest), sum(c[1] for c in newest)], "cycles"
        else:
            assert self.hour is not None
            day = [both for hour, both in self.hours.items() if self.hour - 24 < hour <= self.hour]
            sums, basis = [sum(both[0] for both in day), sum(both[1] for both in day)], "day"
        running = sum(sums)
        if running == 0 or (basis == "day" and running < self.rule.run_time_ms):
            return []
        percent = 100.0 * sums[1] / running
        if self.onset is None and percent > self.rule.limit:
            self.onset = at
            return [self._tell("raise", at, percent, f"share_above_limit_over_{basis}")]
        if self.onset is not None and percent <= self.rule.limit - self.rule.deadband:
            onset, self.onset = self.onset, None
            return [self._tell("clear", onset, percent, f"share_below_limit_over_{basis}")]
        return []

    def _tell(self, edge: str, onset: int, percent: float, reason: str) -> Any:
        return edge, None, onset, self.rule.priority, round(percent, 6), reason


REFERENCES: dict[Any, Any] = {
    SymptomsRule: SymptomsReference,
    RepeatedRule: RepeatedReference,
    FaultRule: FaultReference,
    LowLimitRule: LowLimitReference,
    DefrostShareRule: DefrostShareReference,
}


class ChatterReference:
    """What a listener hears of one alarm of one device; going and coming three times in twenty
    polls is one alert."""

    def __init__(self, interval_ms: int) -> None:
        self.span = max(20 * (interval_ms or 30_000), 60_000)
        self.raises: list[int] = []
        self.onset: int | None = None  # of the alert that is open to the listener
        self.quiet_since: int | None = None  # it has cleared, but the listener was not notified
        self.cleared: Any = None

    def hear(self, at: int, edge: tuple[Any, ...]) -> list[Any]:
        kind, code, onset, urgency, value, reason = edge
        often = len([one for one in self.raises if at - one < self.span])
        if kind == "raise":
            self.raises.append(at)
            if self.quiet_since is not None:
                self.quiet_since = None
                return []
            self.onset = onset
            return [(kind, code, onset, urgency, value, "chattering" if often >= 2 else reason)]
        if kind == "clear" and often >= 3:
            self.quiet_since, self.cleared = at, edge
            return []
        return [(kind, code, self.onset, urgency, value, reason)]

    def pass_time(self, at: int) -> list[Any]:
        if self.quiet_since is None or at - self.quiet_since < self.span:
            return []
        self.quiet_since = None
        _, code, _, urgency, value, _ = self.cleared
        return [("clear", code, self.onset, urgency, value, "chattering_over")]


class ReferenceEngine:
    """All device rules, a reading at a time."""

    def __init__(self, rules: list[Any], intervals: dict[str, int]) -> None:
        self.rules = rules
        self.intervals = intervals
        self.late = 0
        self._last: dict[str, Reading] = {}
        self._states: dict[tuple[str, str], Any] = {}
        self._heard: dict[tuple[str, str, str | None], ChatterReference] = {}

    def observe(self, reading: Reading) -> list[Reported]:
        before = self._last.get(reading.device)
        if before is not None and reading.at <= before.at:
            self.late += 1
            return []
        self._last[reading.device] = reading
        reported: list[Reported] = []
        for rule in self.rules:
            if not applies(rule.applies, reading):
                continue
            if (reading.device, rule.id) not in self._states:
                self._states[reading.device, rule.id] = REFERENCES[type(rule)](rule)
            state = self._states[reading.device, rule.id]
            edges = state.step(reading, before, self.intervals.get(reading.device, 0))
            for edge in edges:
                fresh = ChatterReference(self.intervals.get(reading.device, 0))
                alarm = self._heard.setdefault((reading.device, rule.id, edge[1]), fresh)
                reported += [
                    self._reported(reading, rule, said) for said in alarm.hear(reading.at, edge)
                ]
        for (device, rule_id, _), alarm in self._heard.items():
            if device == reading.device:
                rule = next(rule for rule in self.rules if rule.id == rule_id)
                reported += [
                    self._reported(reading, rule, said) for said in alarm.pass_time(reading.at)
                ]
        return reported

    def _reported(self, reading: Reading, rule: Any, said: Any) -> Reported:
        edge, code, onset, urgency, value, reason = said
        return reading.at, reading.device, rule.id, edge, code, onset, urgency, value, reason
