"""A room that cools because its heat pump stopped or is too weak, and the hours that remain.

The watch follows the room in steps of `step`. The fall over the last step gives the forecast: the
room nears the outdoor temperature exponentially, at its present rate. Walls cool more slowly than
air (physics §20.5), so the hours are a lower limit, and later readings correct them upwards.
Without an outdoor temperature the fall counts as linear.

A `[[rule.forecast]]` with `heating = false` is about a unit that stands although heat is wanted: it
reports a fault, is switched off, or rests while the room is `lack_k` below its set-point. One with
`heating = true` is about a unit that heats. Both hold while the room falls by at least `rate_k_h`
and would reach `limit` within `within`; while the alert is active, half that rate is enough.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.rule import key
from rules.document.tables import Keys, parse_list, parse_table
from rules.kinds.lasting.holding import NONE, Evaluated, HeldSymptom, HoldingRule, HoldingWatch
from rules.readings.batch import STATE_CODES, UNKNOWN_STATE, Batch, known, state_table
from rules.readings.codes import Codes
from rules.readings.columns import FIRST_MS, NEVER, Bools, Columns, Floats, column
from rules.watches.device_rule import DeviceRule
from rules.watches.watch import Edge
from wire.messages import Priority
from wire.units import HOUR_MS, MINUTE_MS, SECOND_MS

_HOUR_S: Final = HOUR_MS / SECOND_MS
_OFF: Final = STATE_CODES["off"]
_HEATING: Final = STATE_CODES["heating"]
_WORKING: Final = state_table([STATE_CODES[state] for state in ("heating", "defrost", "hot_water")])


@dataclass(frozen=True, slots=True)
class RoomForecast:
    """One `[[rule.forecast]]`: reach the limit within `within_ms` while the unit heats, or not."""

    reason: str
    within_ms: int
    heating: bool
    on_delay_ms: int = 0
    priority: Priority | None = None


_KEYS: Final[Keys] = {
    "reason": ("reason", parse.rule_id),
    "within": ("within_ms", parse.duration),
    "heating": ("heating", parse.flag),
    "on_delay": ("on_delay_ms", parse.duration),
    "priority": ("priority", parse.priority),
}


def parse_forecasts(value: object) -> tuple[RoomForecast, ...]:
    """The list `[[rule.forecast]]`."""
    return tuple(parse_list(value, _parse_forecast, "[[rule.forecast]]"))


def _parse_forecast(table: object) -> RoomForecast:
    return RoomForecast(**parse_table(table, _KEYS, ("reason", "within", "heating")))


@dataclass(frozen=True, kw_only=True)
class CoolingRule(HoldingRule):
    """`point` on its way down to `limit`; at `freezing` pipes are at risk. Both in °C."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {
        "hours",
        "hours_to_freezing",
    }

    point: str = key(parse.point)
    limit: float = key(parse.number)
    freezing: float = key(parse.number)
    rate_k_h: float = key(parse.positive)
    lack_k: float = key(parse.positive)
    step_ms: int = key(parse.duration, 20 * MINUTE_MS)
    forecast: tuple[RoomForecast, ...] = key(parse_forecasts)

    @property
    def unit(self) -> str | None:
        """See Rule."""
        return "c"

    @property
    def quantities(self) -> tuple[str, ...]:
        """See DeviceRule."""
        return (self.point, "outdoor_c", "room_lack_k")

    def watch(self, codes: Codes) -> "CoolingWatch":
        """See DeviceRule."""
        return CoolingWatch(self)

    def more_values(self, edge: Edge, language: str) -> dict[str, str]:
        """See DeviceRule."""
        never = {"zh": "不会", "en": "never"}[language]
        hours = {name: edge.details[name] for name in ("hours", "hours_to_freezing")}
        return {name: f"{left:.1f}" if np.isfinite(left) else never for name, left in hours.items()}


@dataclass
class _State(Columns):
    begun_c: NDArray[np.float32] = column(np.float32, np.nan)  # room at the step's begin
    begun_at: NDArray[np.int32] = column(np.int32, NEVER)  # the step's begin, s since FIRST_MS
    fall_k_h: NDArray[np.float32] = column(np.float32, np.nan)  # fall over the step before


class CoolingWatch(HoldingWatch):
    """One cooling rule at work on all devices."""

    def __init__(self, rule: CoolingRule) -> None:
        symptoms = tuple(
            HeldSymptom(each.reason, each.on_delay_ms, each.priority or rule.priority, rule.limit)
            for each in rule.forecast
        )
        self._state = _State()
        super().__init__(rule, symptoms, self._state)
        self._rule = rule

    def suspects(self, batch: Batch) -> Bools:
        """See HoldingWatch."""
        self._follow_room(batch)
        falling: Bools = self._state.fall_k_h[batch.slots] >= self._rule.rate_k_h
        return falling

    def _follow_room(self, batch: Batch) -> None:
        """Where a step is over, note its fall and begin the next step."""
        state, step = self._state, self._rule.step_ms // SECOND_MS
        seconds = (batch.at - FIRST_MS) // SECOND_MS
        rows = np.flatnonzero(seconds - state.begun_at[batch.slots] >= step)
        rows = rows[known(batch.quantities[self._rule.point][rows])]
        slots, room = batch.slots[rows], batch.quantities[self._rule.point][rows]
        passed = seconds[rows] - state.begun_at[slots]
        # Over a longer gap nothing is known of the fall.
        steady = (state.begun_at[slots] != NEVER) & (passed <= 2 * step)
        fall = (state.begun_c[slots] - room) / np.maximum(passed, 1) * _HOUR_S
        state.fall_k_h[slots] = np.where(steady, fall, np.nan)
        state.begun_c[slots], state.begun_at[slots] = room, seconds[rows]

    def evaluate(self, batch: Batch, active: NDArray[np.int8]) -> Evaluated:
        """See HoldingWatch."""
        rule, fall = self._rule, self._state.fall_k_h[batch.slots].astype(np.float64)
        room = batch.quantities[rule.point]
        outdoor = batch.quantities["outdoor_c"]
        hours = hours_until(rule.limit, room, outdoor, fall)
        falling = fall >= np.where(active == NONE, rule.rate_k_h, 0.5 * rule.rate_k_h)
        heating = batch.state == _HEATING
        wanting = self._wanting(batch)
        holds = [
            falling
            & (heating if forecast.heating else wanting)
            & (hours * HOUR_MS <= forecast.within_ms)
            for forecast in rule.forecast
        ]
        unknown = np.isnan(room) | np.isnan(fall) | (batch.state == UNKNOWN_STATE)
        details = {
            "hours": hours,
            "hours_to_freezing": hours_until(rule.freezing, room, outdoor, fall),
        }
        shape = (len(batch), len(rule.forecast))
        return Evaluated(
            np.stack(holds, axis=1) & ~unknown[:, None],
            np.broadcast_to(unknown[:, None], shape),
            np.broadcast_to(room[:, None], shape),
            details,
        )

    def _wanting(self, batch: Batch) -> Bools:
        """The rows without heat although it is wanted."""
        faulty = np.zeros(len(batch), bool)
        faulty[batch.fault_rows] = True
        lacking = batch.quantities["room_lack_k"] >= self._rule.lack_k
        wanting: Bools = ~_WORKING[batch.state] & (faulty | lacking | (batch.state == _OFF))
        return wanting


def hours_until(limit_c: float, room_c: Floats, outdoor_c: Floats, fall_k_h: Floats) -> Floats:
    """Hours until the room reaches `limit_c`, by row: 0 where it has, infinite where it never will.

    The room falls by `fall_k_h` now, and nears the outdoor temperature exponentially. Where that is
    not known (NaN) it goes on falling as now.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        linear = (room_c - limit_c) / fall_k_h
        time_constants = np.log((room_c - outdoor_c) / (limit_c - outdoor_c))
        exponential = time_constants * (room_c - outdoor_c) / fall_k_h
    falling = np.where(outdoor_c < limit_c, exponential, np.inf)
    hours = np.where(np.isnan(outdoor_c), linear, falling)
    return np.where(room_c <= limit_c, 0.0, np.where(fall_k_h > 0, hours, np.inf))
