"""A room that falls because its heat pump stopped or is too weak, with a forecast of the hours that
remain.

The room is followed in steps of `step`; how fast it fell in the last of them gives the forecast:
the room nears the outdoor temperature exponentially, at the rate it has now. Walls cool more slowly
than air (physics §20.5), so that the hours are a lower limit, which the next readings correct
upwards. Without an outdoor temperature the fall is taken as straight.

A `[[rule.forecast]]` with `heating = false` is of a unit that stopped although heat is wanted: it
reports a fault, is switched off, or rests while the room is `lack_k` below its set-point. One with
`heating = true` is of a unit that heats. Both hold while the room falls at least `rate_k_h` and
would reach `limit` within `within`; while the alert is active half that rate is enough.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document.rule import (
    RuleErrors,
    duration,
    flag,
    key,
    number,
    point,
    positive,
    priority,
    rule_id,
)
from rules.document.tables import Keys, each, read_table
from rules.kinds.lasting.holding import NONE, Finding, HoldingRule, HoldingWatch, Judged
from rules.readings.batch import STATE_CODES, UNKNOWN_STATE, Batch, known, state_table
from rules.readings.codes import Codes
from rules.readings.columns import FIRST_MS, NEVER, Bools, Columns, Floats, column
from rules.watches.watch import DeviceRule, Edge
from wire.messages import Priority
from wire.units import HOUR_MS

_OFF: Final = STATE_CODES["off"]
_HEATING: Final = STATE_CODES["heating"]
_WORKING: Final = state_table([STATE_CODES[state] for state in ("heating", "defrost", "hot_water")])


@dataclass(frozen=True, slots=True)
class Forecast:
    """One `[[rule.forecast]]`."""

    reason: str
    within_ms: int
    heating: bool
    on_delay_ms: int = 0
    priority: Priority | None = None


_KEYS: Final[Keys] = {
    "reason": ("reason", rule_id),
    "within": ("within_ms", duration),
    "heating": ("heating", flag),
    "on_delay": ("on_delay_ms", duration),
    "priority": ("priority", priority),
}


def forecasts(value: object) -> tuple[Forecast, ...]:
    """The list `[[rule.forecast]]`."""
    return tuple(each(value, _forecast, "[[rule.forecast]]"))


def _forecast(table: object) -> Forecast:
    parts, rest, problems = read_table(table, _KEYS, ("reason", "within", "heating"))
    problems += [(name, f"unknown key; known are {', '.join(_KEYS)}") for name in rest]
    if problems:
        raise RuleErrors(sorted(problems))
    return Forecast(**parts)


@dataclass(frozen=True, kw_only=True)
class CoolingRule(HoldingRule):
    """`point` on its way down to `limit`; `freezing` is where pipes are at risk, both in °C."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {
        "hours",
        "hours_to_freezing",
    }

    point: str = key(point)
    limit: float = key(number)
    freezing: float = key(number)
    rate_k_h: float = key(positive)
    lack_k: float = key(positive)
    step_ms: int = key(duration, 1_200_000)
    forecast: tuple[Forecast, ...] = key(forecasts)

    @property
    def unit(self) -> str | None:
        return "c"

    @property
    def quantities(self) -> tuple[str, ...]:
        return (self.point, "outdoor_c", "room_lack_k")

    def watch(self, codes: Codes) -> "CoolingWatch":
        return CoolingWatch(self)

    def more_words(self, edge: Edge, language: str) -> dict[str, str]:
        never = {"zh": "不会", "en": "never"}[language]
        hours = {name: edge.details[name] for name in ("hours", "hours_to_freezing")}
        return {name: f"{left:.1f}" if np.isfinite(left) else never for name, left in hours.items()}


@dataclass
class _State(Columns):
    begun_c: NDArray[np.float32] = column(
        np.float32, np.nan
    )  # the room when the step under way began
    begun_at: NDArray[np.int32] = column(np.int32, NEVER)  # and when that was, in seconds
    fall_k_h: NDArray[np.float32] = column(
        np.float32, np.nan
    )  # how fast the room fell over the step before


class CoolingWatch(HoldingWatch):
    """One such rule at work on all devices."""

    def __init__(self, rule: CoolingRule) -> None:
        findings = tuple(
            Finding(one.reason, one.on_delay_ms, one.priority or rule.priority, rule.limit)
            for one in rule.forecast
        )
        self._state = _State()
        super().__init__(rule, findings, self._state)
        self._rule = rule

    def suspects(self, batch: Batch) -> Bools:
        self._follow_room(batch)
        falling: Bools = self._state.fall_k_h[batch.slots] >= self._rule.rate_k_h
        return falling

    def _follow_room(self, batch: Batch) -> None:
        """Where a step is over, note how fast the room fell in it and begin the next."""
        state, step = self._state, self._rule.step_ms // 1_000
        seconds = (batch.at - FIRST_MS) // 1_000
        rows = np.flatnonzero(seconds - state.begun_at[batch.slots] >= step)
        rows = rows[known(batch.quantities[self._rule.point][rows])]
        slots, room = batch.slots[rows], batch.quantities[self._rule.point][rows]
        passed = seconds[rows] - state.begun_at[slots]
        steady = (state.begun_at[slots] != NEVER) & (
            passed <= 2 * step
        )  # over a longer gap nothing is known
        fall = (state.begun_c[slots] - room) / np.maximum(passed, 1) * 3_600.0
        state.fall_k_h[slots] = np.where(steady, fall, np.nan)
        state.begun_c[slots], state.begun_at[slots] = room, seconds[rows]

    def judge(self, batch: Batch, active: NDArray[np.int8]) -> Judged:
        rule, fall = self._rule, self._state.fall_k_h[batch.slots].astype(np.float64)
        room = batch.quantities[rule.point]
        outdoor = batch.quantities["outdoor_c"]
        hours = hours_until(rule.limit, room, outdoor, fall)
        falling = fall >= np.where(active == NONE, rule.rate_k_h, 0.5 * rule.rate_k_h)
        heating = batch.state == _HEATING
        wanting = self._wanting(batch)
        holds = [
            falling & (heating if one.heating else wanting) & (hours * HOUR_MS <= one.within_ms)
            for one in rule.forecast
        ]
        unknown = np.isnan(room) | np.isnan(fall) | (batch.state == UNKNOWN_STATE)
        told = {
            "hours": hours,
            "hours_to_freezing": hours_until(rule.freezing, room, outdoor, fall),
        }
        shape = (len(batch), len(rule.forecast))
        return Judged(
            np.stack(holds, axis=1) & ~unknown[:, None],
            np.broadcast_to(unknown[:, None], shape),
            np.broadcast_to(room[:, None], shape),
            told,
        )

    def _wanting(self, batch: Batch) -> Bools:
        """Which rows get no heat although it is wanted."""
        faulty = np.zeros(len(batch), bool)
        faulty[batch.fault_rows] = True
        lacking = batch.quantities["room_lack_k"] >= self._rule.lack_k
        wanting: Bools = ~_WORKING[batch.state] & (faulty | lacking | (batch.state == _OFF))
        return wanting


def hours_until(limit_c: float, room_c: Floats, outdoor_c: Floats, fall_k_h: Floats) -> Floats:
    """Hours until a room that falls so fast now reaches `limit_c`: 0 where it has, infinite where
    it never will.

    It nears the outdoor temperature exponentially; where that is not known (NaN) it goes on falling
    as now.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        straight = (room_c - limit_c) / fall_k_h
        reached = np.log((room_c - outdoor_c) / (limit_c - outdoor_c))
        bent = reached * (room_c - outdoor_c) / fall_k_h
    hours = np.where(np.isnan(outdoor_c), straight, np.where(outdoor_c < limit_c, bent, np.inf))
    return np.where(room_c <= limit_c, 0.0, np.where(fall_k_h > 0, hours, np.inf))
