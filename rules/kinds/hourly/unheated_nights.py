"""Nights in which a house stayed warm though its unit was switched off: something else heats it
(features row 19).

A reading an hour is looked at. A night (`hours`, local time, when no sun helps) counts when the
unit was off in at least `off_hours` readings of it on end, the room was `over_outdoor` warmer than
it was outside in the mean, ended them at `room_above` or more, and lost no more meanwhile than a
house of this `time_constant` loses without any heat: its excess over the outdoors, summed over the
hours, divided by that constant (physics §20.5). The alert rises on the `nights`-th such night of a
season and clears when the season is over.

A season in which a unit was heard for `heard_share` of it and never once ran raises the alert too,
when it ends; that one clears when the unit runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document.conditions import hours
from rules.document.rule import count, key, number, positive, share
from rules.readings.batch import STATE_CODES, Batch
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Floats, Ints, column
from rules.transitions.transition import EdgeKind
from rules.watches.watch import DeviceRule, Edge, OneAlert, OneAlertWatch
from wire.units import DAY_MS

_OFF: Final = STATE_CODES["off"]
_RUNS: Final = (STATE_CODES["heating"], STATE_CODES["defrost"], STATE_CODES["hot_water"])
_HOURS_A_DAY: Final = 24


@dataclass(frozen=True, kw_only=True)
class UnheatedNightsRule(DeviceRule):
    """`nights` warm nights with the unit off in a season, or a whole season without running."""

    hourly: ClassVar[bool] = True

    hours: tuple[int, int] = key(hours)
    off_hours: int = key(count)
    over_outdoor: float = key(positive)
    time_constant: float = key(positive)
    room_above: float = key(number)
    nights: int = key(count)
    heard_share: float = key(share)

    @property
    def unit(self) -> str | None:
        return "nights"

    @property
    def quantities(self) -> tuple[str, ...]:
        return ("room_c", "outdoor_c")

    def watch(self, codes: Codes) -> "UnheatedNightsWatch":
        return UnheatedNightsWatch(self)


@dataclass
class _State(OneAlert):
    season: NDArray[np.int32] = column(np.int32, NEVER)  # the local day it began
    heard: NDArray[np.int16] = column(np.int16, 0)  # hours of the season
    ran: Bools = column(np.bool_, False)  # in the season
    tonight: NDArray[np.int32] = column(np.int32, NEVER)  # the night that the next three are about
    off: NDArray[np.uint8] = column(np.uint8, 0)  # its hours on end
    excess: NDArray[np.float32] = column(
        np.float32, 0.0
    )  # room over outdoor, summed since the first of them, K·h
    room: NDArray[np.float32] = column(np.float32, np.nan)  # at the first of them, °C
    night: NDArray[np.int32] = column(np.int32, NEVER)  # the newest that counted
    nights: NDArray[np.uint8] = column(np.uint8, 0)  # of the season


class UnheatedNightsWatch(OneAlertWatch):
    """One such rule at work on all devices."""

    def __init__(self, rule: UnheatedNightsRule) -> None:
        self._rule = rule
        self._state = _State()
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
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
        """Note one more hour off of a night, and count the night once it is long, and the room warm
        and holding."""
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
        """Hours in which a unit must have been heard for its season to be judged."""
        days = [
            batch.season.last_day(day) - day + 1 if day != NEVER else 0 for day in began.tolist()
        ]
        return np.array(days) * (_HOURS_A_DAY * self._rule.heard_share)

    def _ran_again(self, batch: Batch, running: Bools) -> list[Edge]:
        """An alert about a season without use ends when the unit runs; in its season a warm night
        stays counted."""
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
