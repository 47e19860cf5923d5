"""One sensor that shows the same to the last digit while another, which moves with it, has moved by
far.

A reading an hour is looked at. A sensor is stuck when its point has not changed for `hours`
readings in a row and the point it is held `against` has moved by `moves` or more meanwhile. The
alert rises with the first stuck sensor and clears when every one that was told has moved. Hours in
which a point is missing count for nothing.

A whole table that stands still is the matter of `rules.kinds.lasting.unchanging`: there nothing moves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document.rule import Problem, Texts, count, key, point, positive, texts
from rules.document.tables import each
from rules.readings.batch import Batch
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Floats, Ints, column
from rules.readings.quantities import unit_of
from rules.transitions.transition import EdgeKind
from rules.watches.watch import DeviceRule, Edge, OneAlert, OneAlertWatch, OpenSlot

_MOST_HOURS: Final = 200
"""Hours are counted in one byte."""

_SEPARATOR: Final = {"zh": "、", "en": ", "}
_SENSOR_KEYS: Final = {"point", "against", "moves", "name"}


@dataclass(frozen=True, slots=True)
class Sensor:
    """A point, and how far (in its unit) the point `against` must have moved for this one to be
    stuck."""

    point: str
    against: str
    moves: float
    name: Texts


def sensors(value: object) -> tuple[Sensor, ...]:
    """Tables of `point`, `against`, `moves` and `name`, no point twice."""
    found = tuple(
        each(
            value, _sensor, '{ point = "supply_c", against = "return_c", moves = 4.0, name = {…} }'
        )
    )
    if len({one.point for one in found}) < len(found):
        raise ValueError("write each point once")
    return found


def _sensor(table: Any) -> Sensor:
    if not isinstance(table, dict) or table.keys() != _SENSOR_KEYS:
        raise ValueError(f"write a table with {', '.join(sorted(_SENSOR_KEYS))}")
    return Sensor(
        point(table["point"]),
        point(table["against"]),
        positive(table["moves"]),
        texts(table["name"]),
    )


@dataclass(frozen=True, kw_only=True)
class StuckRule(DeviceRule):
    """Any of the `sensors` for `hours`; the value told is what the first stuck one shows."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"sensors", "hours"}

    sensors: tuple[Sensor, ...] = key(sensors)
    hours: int = key(count)

    @property
    def hourly(self) -> bool:
        return True

    @property
    def unit(self) -> str | None:
        units = {unit_of(one.point) for one in self.sensors}
        return units.pop() if len(units) == 1 else None

    @property
    def quantities(self) -> tuple[str, ...]:
        return tuple(sorted({name for one in self.sensors for name in (one.point, one.against)}))

    def problems(self) -> list[Problem]:
        found = super().problems()
        if self.hours > _MOST_HOURS:
            found.append(("hours", f"at most {_MOST_HOURS}"))
        return found

    def more_words(self, edge: Edge, language: str) -> dict[str, str]:
        told = [one.name[language] for one in self.sensors if one.point in edge.details]
        return {"sensors": _SEPARATOR[language].join(told), "hours": str(self.hours)}

    def watch(self, codes: Codes) -> "StuckWatch":
        return StuckWatch(self)


@dataclass
class _State(OneAlert):
    """By sensor, besides the last."""

    shown: NDArray[np.float32] = column(np.float32, np.nan, wide=True)  # what it showed last
    same: NDArray[np.uint8] = column(np.uint8, 0, wide=True)  # hours in a row with that
    lowest: NDArray[np.float32] = column(
        np.float32, np.nan, wide=True
    )  # of the other point meanwhile
    highest: NDArray[np.float32] = column(np.float32, np.nan, wide=True)
    told: Bools = column(np.bool_, False, wide=True)  # the alert is about it


class StuckWatch(OneAlertWatch):
    """One such rule at work on all devices."""

    def __init__(self, rule: StuckRule) -> None:
        self._rule = rule
        self._state = _State.of_width(len(rule.sensors))
        self._moves = np.array([one.moves for one in rule.sensors])
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        state, slots = self._state, batch.slots
        shows = self._columns_of(batch, [one.point for one in self._rule.sensors])
        known, was_known = ~np.isnan(shows), ~np.isnan(state.shown[slots])
        same = shows == state.shown[slots]
        state.told[slots] &= same | ~(known & was_known)
        self._follow(batch, shows, same, known & ~same)
        stuck = self._stuck(slots)
        near = np.flatnonzero(stuck.any(axis=1) | (state.raised_at[slots] != NEVER))
        return self._judge(slots[near], batch.at[near], stuck[near]) if len(near) else []

    def _columns_of(self, batch: Batch, points: list[str]) -> NDArray[np.float32]:
        return np.column_stack([batch.quantities[name] for name in points]).astype(np.float32)

    def _follow(self, batch: Batch, shows: NDArray[np.float32], same: Bools, moved: Bools) -> None:
        """How long each sensor has shown the same, and what the other point did meanwhile."""
        state, slots = self._state, batch.slots
        other = self._columns_of(batch, [one.against for one in self._rule.sensors])
        lowest, highest = state.lowest[slots], state.highest[slots]
        state.lowest[slots] = np.where(moved, other, np.where(same, np.fmin(lowest, other), lowest))
        state.highest[slots] = np.where(
            moved, other, np.where(same, np.fmax(highest, other), highest)
        )
        hours = np.minimum(state.same[slots] + same, self._rule.hours).astype(np.uint8)
        state.same[slots] = np.where(moved, 0, hours)
        state.shown[slots] = np.where(moved, shows, state.shown[slots])

    def _stuck(self, slots: Ints) -> Bools:
        state = self._state
        long = state.same[slots] >= self._rule.hours
        stuck: Bools = long & (state.highest[slots] - state.lowest[slots] >= self._moves)
        return stuck

    def _judge(self, slots: Ints, at: Ints, stuck: Bools) -> list[Edge]:
        state = self._state
        active = state.raised_at[slots] != NEVER
        state.told[slots] |= stuck
        fitted = ~np.isnan(state.shown[slots])
        raising, clearing = ~active, active & ~(state.told[slots] & fitted).any(axis=1)
        onset = np.where(raising, at, state.raised_at[slots])
        state.raised_at[slots] = np.where(clearing, NEVER, onset)
        return [
            *self._edges("clear", "moves_again", clearing, slots, at, onset),
            *self._edges("raise", "stuck_while_others_move", raising, slots, at, onset),
        ]

    def _edges(
        self, edge: EdgeKind, reason: str, which: Bools, slots: Ints, at: Ints, onset: Ints
    ) -> Iterator[Edge]:
        for row in np.flatnonzero(which).tolist():
            slot = int(slots[row])
            told = self._told(slot)
            yield Edge(
                slot=slot,
                edge=edge,
                onset=int(onset[row]),
                at=int(at[row]),
                reason=reason,
                priority=self._rule.priority,
                value=next(iter(told.values()), None),
                details=told,
            )

    def _told(self, slot: int) -> dict[str, float]:
        """What each stuck sensor shows, by point."""
        shown: Floats = self._state.shown[slot].astype(np.float64)
        rows = np.flatnonzero(self._state.told[slot] & ~np.isnan(shown)).tolist()
        return {self._rule.sensors[row].point: float(shown[row]) for row in rows}

    def adopt(self, episode: OpenSlot) -> None:
        """See Watch; which sensor it was about is not known, so that each must move."""
        super().adopt(episode)
        self._state.told[episode.slot] = True
