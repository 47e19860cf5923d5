"""Nights in which a house stays warm with its unit off: something else heats it (features row 19).

The rule takes one reading an hour. A night (`hours`, local time without sun) counts when all of
this is so: the unit was off in at least `off_hours` readings in a row; the room was on average
`over_outdoor` warmer than the air outside; it ended at `room_above` or more; and it lost no more
heat than a house of this `time_constant` loses without heating, that is its excess over the
outdoors, summed over the hours, divided by the constant (physics §20.5). The alert rises in the
`nights`-th such night of a season and clears when the season is over.

A season in which the unit was heard for `heard_share` of the time and never ran also raises the
alert, at its end. That alert clears when the unit runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.conditions import parse_hours
from rules.document.rule import key
from rules.readings.batch import STATE_CODES, Batch
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Floats, Ints, column
from rules.transitions.transition import EdgeKind
from rules.watches.device_rule import DeviceRule
from rules.watches.watch import Edge, OneAlert, OneAlertWatch
from wire.units import DAY_MS, HOUR_MS

_OFF: Final = STATE_CODES["off"]
_RUNS: Final = (STATE_CODES["heating"], STATE_CODES["defrost"], STATE_CODES["hot_water"])
_HOURS_A_DAY: Final = DAY_MS // HOUR_MS


@dataclass(frozen=True, kw_only=True)
class UnheatedNightsRule(DeviceRule):
    """`nights` warm nights with the unit off in a season, or a whole season without running.

    `over_outdoor` in K, `time_constant` in hours, `room_above` in °C.
    """

    hourly: ClassVar[bool] = True

    hours: tuple[int, int] = key(parse_hours)
    off_hours: int = key(parse.count)
    over_outdoor: float = key(parse.positive)
    time_constant: float = key(parse.positive)
    room_above: float = key(parse.number)
    nights: int = key(parse.count)
    heard_share: float = key(parse.share)

    @property
    def unit(self) -> str | None:
        """See Rule."""
        return "nights"

    @property
    def quantities(self) -> tuple[str, ...]:
        """See DeviceRule."""
        return ("room_c", "outdoor_c")

    def watch(self, codes: Codes) -> "UnheatedNightsWatch":
        """See DeviceRule."""
        return UnheatedNightsWatch(self)


@dataclass
class _State(OneAlert):
    season: NDArray[np.int32] = column(np.int32, NEVER)  # the local day on which it began
    heard: NDArray[np.int16] = column(np.int16, 0)  # hours of the season
    ran: Bools = column(np.bool_, False)  # in the season
    tonight: NDArray[np.int32] = column(np.int32, NEVER)  # the night of the next three columns
    off: NDArray[np.uint8] = column(np.uint8, 0)  # its hours in a row
    excess: NDArray[np.float32] = column(np.float32, 0.0)  # room over outdoor, summed, K·h
    room: NDArray[np.float32] = column(np.float32, np.nan)  # at the first of them, °C
    night: NDArray[np.int32] = column(np.int32, NEVER)  # the newest that counts
    nights: NDArray[np.uint8] = column(np.uint8, 0)  # of the season


class UnheatedNightsWatch(OneAlertWatch):
    """One unheated-nights rule at work on all devices."""

    def __init__(self, rule: UnheatedNightsRule) -> None:
        self._rule = rule
        self._state = _State()
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        """See Watch."""
        state, slots, season = self._state, batch.slots, batch.season
        running = np.isin(batch.state, _RUNS)
        began = np.where(season.holds(batch.at), season.began(batch.at), NEVER).astype(np.int32)
        edges = self._turn_season(batch, began)
        edges += self._ran_again(batch, running & ((began == NEVER) | ~state.ran[slots]))
        state.heard[slots] += began != NEVER
        state.ran[slots] |= running
        inside = (began != NEVER) & self._at_night(batch)
        state.off[slots[~inside | (batch.state != _OFF)]] = 0
        rows = np.flatnonzero(inside & (batch.state == _OFF))
        return edges + (self._follow(batch.take(rows)) if len(rows) else [])

    def _at_night(self, batch: Batch) -> Bools:
        opens, closes = self._rule.hours
        night: Bools = (batch.season.time_of_day(batch.at) - opens) % DAY_MS < (
            closes - opens
        ) % DAY_MS
        return night

    def _follow(self, batch: Batch) -> list[Edge]:
        """Add an hour off to the night, and count the night once it meets the rule."""
        state, rule, slots = self._state, self._rule, batch.slots
        room, outdoor = batch.quantities["room_c"], batch.quantities["outdoor_c"]
        night = ((batch.at + batch.season.offset_ms - rule.hours[0]) // DAY_MS).astype(np.int32)
        first = (state.off[slots] == 0) | (state.tonight[slots] != night)
        excess = np.where(first, 0.0, state.excess[slots] + room - outdoor)
        off = np.where(first, 1, state.off[slots] + 1)
        state.tonight[slots], state.off[slots], state.excess[slots] = night, off, excess
        state.room[slots] = np.where(first, room, state.room[slots])
        warm = (room >= rule.room_above) & (excess >= rule.over_outdoor * (off - 1))
        holds = state.room[slots] - room <= excess / rule.time_constant
        counted = np.flatnonzero(
            (off >= rule.off_hours) & warm & holds & (state.night[slots] != night)
        )
        slots, at = slots[counted], batch.at[counted]
        state.night[slots] = night[counted]
        state.nights[slots] += state.nights[slots] < np.iinfo(np.uint8).max
        due = (state.nights[slots] >= rule.nights) & (state.raised_at[slots] == NEVER)
        return list(self._raise("warm_though_off", slots[due], at[due]))

    def _turn_season(self, batch: Batch, began: NDArray[np.int32]) -> list[Edge]:
        state = self._state
        turned = np.flatnonzero(state.season[batch.slots] != began)
        slots, at = batch.slots[turned], batch.at[turned]
        ended = state.season[slots] != NEVER
        edges = list(self._clear("season_over", slots[ended], at[ended]))
        unused = (
            ended
            & ~state.ran[slots]
            & (state.heard[slots] >= self._hours_due(batch, state.season[slots]))
        )
        state.season[slots], state.heard[slots], state.nights[slots] = began[turned], 0, 0
        state.ran[slots] = False
        return edges + list(self._raise("not_used_all_season", slots[unused], at[unused]))

    def _hours_due(self, batch: Batch, began: NDArray[np.int32]) -> Floats:
        """By row, the hours that a unit must have been heard for its season to count."""
        days = [
            batch.season.last_day(day) - day + 1 if day != NEVER else 0 for day in began.tolist()
        ]
        return np.array(days) * (_HOURS_A_DAY * self._rule.heard_share)

    def _ran_again(self, batch: Batch, running: Bools) -> list[Edge]:
        """Clear alerts about a season without use; an alert about warm nights stays."""
        slots, at = batch.slots[running], batch.at[running]
        unused = self._state.nights[slots] < self._rule.nights
        return list(self._clear("in_use_again", slots[unused], at[unused]))

    def _raise(self, reason: str, slots: Ints, at: Ints) -> Iterator[Edge]:
        self._state.raised_at[slots] = at
        yield from self._edges("raise", reason, slots, at)

    def _clear(self, reason: str, slots: Ints, at: Ints) -> Iterator[Edge]:
        held = self._state.raised_at[slots] != NEVER
        yield from self._edges("clear", reason, slots[held], at[held])
        self._state.raised_at[slots] = NEVER

    def _edges(self, edge: EdgeKind, reason: str, slots: Ints, at: Ints) -> Iterator[Edge]:
        for slot, now in zip(slots.tolist(), at.tolist(), strict=True):
            yield Edge(
                slot=slot,
                edge=edge,
                onset=int(self._state.raised_at[slot]),
                at=now,
                reason=reason,
                priority=self._rule.priority,
                value=float(self._state.nights[slot]),
                limit=float(self._rule.nights),
            )
