"""Rules over symptoms and over repeated changes again, written the plain way from their
definitions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from rules.document.conditions import Applies, Bound
from rules.kinds.lasting.symptoms import Symptom, SymptomsRule
from rules.kinds.states.repeated import RepeatedRule
from wire.messages import Reading
from wire.points import STATES

Number = float | None


def less(left: Number, right: Number) -> Number:
    return None if left is None or right is None else left - right


def over(above: Number, below: Number) -> Number:
    return None if above is None or below is None or below <= 0 else above / below


def voltage_share(volts: Number) -> Number:
    return None if volts is None else 100.0 * volts / (220.0 if volts < 282.5 else 380.0)


def cop(of: Callable[[str], Number]) -> Number:
    delta, flow, heat = less(of("supply_c"), of("return_c")), of("flow_lpm"), of("heat_w")
    if heat is None and flow is not None and delta is not None:
        heat = flow * delta * 4_147.0 / 60.0
    value = over(heat, of("power_w"))
    if (
        value is None
        or delta is None
        or delta < 2.0
        or not 0.5 < value < 8.0
        or (flow is not None and flow <= 0)
    ):
        return None
    return value


def room_lack(of: Callable[[str], Number]) -> Number:
    wanted = of("setpoint_c")
    return None if wanted is None or wanted >= 25.0 else less(wanted, of("room_c"))


def coldest(*water: Number) -> Number:
    return min((one for one in water if one is not None), default=None)


def share_possible(longest: Number, interval: Number) -> Number:
    return None if longest is None or interval is None else 100.0 * longest / (interval + longest)


PLAIN: Final[dict[str, Callable[[Callable[[str], Number]], Number]]] = {
    "delta_k": lambda of: less(of("supply_c"), of("return_c")),
    "coil_gap_k": lambda of: less(of("outdoor_c"), of("coil_c")),
    "voltage_share": lambda of: voltage_share(of("voltage_v")),
    "water_min_c": lambda of: coldest(of("supply_c"), of("return_c")),
    "room_lack_k": room_lack,
    "cop": cop,
    "defrost_share_possible": lambda of: share_possible(
        of("defrost_max_min"), of("defrost_interval_min")
    ),
}


def value_of(reading: Reading, name: str) -> Number:
    def point(wanted: str) -> Number:
        return None if wanted in reading.bad else reading.values.get(wanted)

    return PLAIN[name](point) if name in PLAIN else point(name)


def state_of(reading: Reading) -> str | None:
    return None if "state" in reading.bad else reading.state


def meets(bound: Bound, value: Number, give: float = 0.0) -> bool:
    if value is None:
        return False
    return {
        "above": value + give > bound.limit,
        "at_least": value + give >= bound.limit,
        "below": value - give < bound.limit,
        "at_most": value - give <= bound.limit,
    }[bound.side]


def applies(condition: Applies, reading: Reading) -> bool:
    if condition.states and state_of(reading) not in [STATES[code] for code in condition.states]:
        return False
    every = all(meets(bound, value_of(reading, bound.quantity)) for bound in condition.every)
    return every and not any(
        meets(bound, value_of(reading, bound.quantity)) for bound in condition.none
    )


@dataclass
class SymptomsReference:
    rule: SymptomsRule
    known_at: dict[int, int] = field(default_factory=dict)
    since: dict[int, int] = field(default_factory=dict)
    active: int | None = None
    onset: int = 0
    normal_since: int | None = None

    def step(self, reading: Reading, before: Reading | None, interval_ms: int) -> list[Any]:
        shown = {
            n: self._judge(one, reading, self.active == n)
            for n, one in enumerate(self.rule.symptom)
        }
        allowed = max(3 * interval_ms, self.rule.max_gap_ms)
        gap = {n: n not in self.known_at or reading.at - self.known_at[n] > allowed for n in shown}
        for number, holds in shown.items():
            if holds is None:
                continue
            self.known_at[number] = reading.at
            if not holds:
                self.since.pop(number, None)
            elif gap[number] or number not in self.since:
                self.since[number] = reading.at
        reported = (
            self._rise(reading, shown) if self.active is None else self._go_on(reading, shown, gap)
        )
        if self.active is None and not self.since:
            self.known_at.clear()
        return reported

    def _judge(self, symptom: Symptom, reading: Reading, relaxed: bool) -> bool | None:
        if not applies(symptom.applies, reading):
            return None
        kinds = {code.partition(":")[0] for code in reading.faults}
        facts: list[bool | None] = []
        if symptom.states:
            state = state_of(reading)
            facts.append(
                None if state is None else state in [STATES[code] for code in symptom.states]
            )
        if symptom.faults:
            reported = bool(kinds & symptom.faults)
            facts.append(True if reported else None if "faults" in reading.bad else False)
        if symptom.unless_faults:
            facts.append(not kinds & symptom.unless_faults)
        for one in symptom.every:
            value = value_of(reading, one.bound.quantity)
            facts.append(
                None if value is None else meets(one.bound, value, one.deadband if relaxed else 0.0)
            )
        return False if False in facts else None if None in facts else True

    def _due(self, reading: Reading, shown: dict[int, bool | None]) -> int | None:
        due = [n for n, holds in shown.items() if holds and self._lasted(reading, n)]
        return min(due, default=None)

    def _lasted(self, reading: Reading, number: int) -> bool:
        return reading.at - self.since[number] >= self.rule.symptom[number].on_delay_ms

    def _rise(self, reading: Reading, shown: dict[int, bool | None]) -> list[Any]:
        first = self._due(reading, shown)
        if first is None:
            return []
        self.active, self.onset, self.normal_since = first, self.since[first], None
        return [self._tell("raise", reading)]

    def _go_on(
        self, reading: Reading, shown: dict[int, bool | None], gap: dict[int, bool]
    ) -> list[Any]:
        assert self.active is not None
        first = self._due(reading, shown)
        if any(shown.values()):
            self.normal_since = None
        elif shown[self.active] is False:
            if self.normal_since is None or gap[self.active]:
                self.normal_since = reading.at
            if reading.at - self.normal_since >= self.rule.off_delay_ms:
                reported = [self._tell("clear", reading)]
                self.active, self.normal_since = None, None
                return reported
        if first is not None and first < self.active:
            self.active = first
            return [self._tell("update", reading)]
        return []

    def _tell(self, edge: str, reading: Reading) -> Any:
        assert self.active is not None
        symptom = self.rule.symptom[self.active]
        value = value_of(reading, symptom.about.quantity)
        reason = "symptom_gone" if edge == "clear" else symptom.reason
        rounded = None if value is None else round(value, 6)
        return edge, None, self.onset, symptom.priority or self.rule.priority, rounded, reason


@dataclass
class RepeatedReference:
    rule: RepeatedRule
    changes: list[int] = field(default_factory=list)  # whole seconds, as remembered
    met: bool = True
    onset: int | None = None

    def step(self, reading: Reading, before: Reading | None, interval_ms: int) -> list[Any]:
        reported: list[Any] = []
        start, end = [
            [STATES[code] for code in codes] for codes in (self.rule.before, self.rule.to)
        ]
        came_from = None if before is None else state_of(before)
        if (
            came_from in start
            and state_of(reading) in end
            and came_from != state_of(reading)
            and self.met
        ):
            self.changes.append(reading.at // 1_000)
            reported += self._rise(reading.at)
        if state_of(reading) in start:
            self.met = all(
                meets(bound, value_of(reading, bound.quantity)) for bound in self.rule.all
            )
        return self._end(reading.at) + reported

    def _rise(self, at: int) -> list[Any]:
        newest = self.changes[-self.rule.count :]
        if self.onset is not None or len(newest) < self.rule.count:
            return []
        if newest[-1] - newest[0] > self.rule.within_ms // 1_000:
            return []
        self.onset = at
        return [self._tell("raise", at, "too_often")]

    def _end(self, at: int) -> list[Any]:
        quiet = self.rule.within_ms if self.rule.off_delay_ms is None else self.rule.off_delay_ms
        if self.onset is None or at - 1_000 * self.changes[-1] < quiet:
            return []
        reported = [self._tell("clear", at, "no_longer")]
        self.onset = None
        return reported

    def _tell(self, edge: str, at: int, reason: str) -> Any:
        newest = self.changes[-self.rule.count :]
        value = float(sum(1_000 * one >= at - self.rule.within_ms for one in newest))
        return edge, None, self.onset, self.rule.priority, value, reason
