"""A sensor that repeats to the last digit while another, which moves with it, moves far.

The rule takes one reading an hour. A sensor is stuck when its point has not changed for `for_hours`
readings in a row and the point `against` has moved by `moves` or more meanwhile. The alert rises
with the first stuck sensor, and clears when every sensor that it names has moved. Hours in which a
point is missing do not count.

`rules.kinds.lasting.unchanging` finds a unit whose points all stand still.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.problems import RuleProblem
from rules.document.rule import key
from rules.document.tables import parse_list
from rules.document.texts import Texts, enumeration
from rules.readings.batch import Batch
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Floats, Ints, column
from rules.readings.quantities import unit_of
from rules.transitions.transition import EdgeKind
from rules.watches.device_rule import DeviceRule
from rules.watches.watch import Edge, OneAlert, OneAlertWatch, OpenSlot

_MOST_HOURS: Final = 200
"""Hours are counted in one byte."""

_SENSOR_KEYS: Final = {"point", "against", "moves", "name"}


@dataclass(frozen=True, slots=True)
class StuckSensor:
    """A point, and by how much, in its unit, `against` must move for this point to be stuck."""

    point: str
    against: str
    moves: float
    name: Texts


def parse_sensors(value: object) -> tuple[StuckSensor, ...]:
    """A list of tables of `point`, `against`, `moves` and `name`, no point twice."""
    example = '{ point = "supply_c", against = "return_c", moves = 4.0, name = {…} }'
    sensors = tuple(parse_list(value, _parse_sensor, example))
    if len({sensor.point for sensor in sensors}) < len(sensors):
        raise ValueError("write each point once")
    return sensors


def _parse_sensor(table: Any) -> StuckSensor:
    if not isinstance(table, dict) or table.keys() != _SENSOR_KEYS:
        raise ValueError(f"write a table with {', '.join(sorted(_SENSOR_KEYS))}")
    return StuckSensor(
        parse.point(table["point"]),
        parse.point(table["against"]),
        parse.positive(table["moves"]),
        parse.texts(table["name"]),
    )


@dataclass(frozen=True, kw_only=True)
class StuckRule(DeviceRule):
    """One of the `sensors` stuck for `for_hours`; the value is that of the first stuck sensor."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"sensors", "hours"}

    sensors: tuple[StuckSensor, ...] = key(parse_sensors)
    for_hours: int = key(parse.count)

    @property
    def hourly(self) -> bool:
        """See DeviceRule."""
        return True

    @property
    def unit(self) -> str | None:
        """The unit that all sensors share, else None."""
        units = {unit_of(sensor.point) for sensor in self.sensors}
        return units.pop() if len(units) == 1 else None

    @property
    def quantities(self) -> tuple[str, ...]:
        """See DeviceRule."""
        return tuple(
            sorted({name for sensor in self.sensors for name in (sensor.point, sensor.against)})
        )

    def problems(self) -> list[RuleProblem]:
        """See Rule."""
        problems = super().problems()
        if self.for_hours > _MOST_HOURS:
            problems.append(("for_hours", f"at most {_MOST_HOURS}"))
        return problems

    def more_values(self, edge: Edge, language: str) -> dict[str, str]:
        """See DeviceRule."""
        stuck = [sensor.name[language] for sensor in self.sensors if sensor.point in edge.details]
        return {"sensors": enumeration(stuck, language), "hours": str(self.for_hours)}

    def watch(self, codes: Codes) -> "StuckWatch":
        """See DeviceRule."""
        return StuckWatch(self)


@dataclass
class _State(OneAlert):
    """The wide columns are by sensor."""

    shown: NDArray[np.float32] = column(np.float32, np.nan, wide=True)  # its last value
    same: NDArray[np.uint8] = column(np.uint8, 0, wide=True)  # hours in a row with that value
    # Of the other point in these hours:
    lowest: NDArray[np.float32] = column(np.float32, np.nan, wide=True)
    highest: NDArray[np.float32] = column(np.float32, np.nan, wide=True)
    named: Bools = column(np.bool_, False, wide=True)  # by the active alert


class StuckWatch(OneAlertWatch):
    """One stuck-sensor rule at work on all devices."""

    def __init__(self, rule: StuckRule) -> None:
        self._rule = rule
        self._state = _State.of_width(len(rule.sensors))
        self._moves = np.array([sensor.moves for sensor in rule.sensors])
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        """See Watch."""
        state, slots = self._state, batch.slots
        shows = self._columns_of(batch, [sensor.point for sensor in self._rule.sensors])
        known, was_known = ~np.isnan(shows), ~np.isnan(state.shown[slots])
        same = shows == state.shown[slots]
        state.named[slots] &= same | ~(known & was_known)
        self._follow(batch, shows, same, known & ~same)
        stuck = self._stuck(slots)
        near = np.flatnonzero(stuck.any(axis=1) | (state.raised_at[slots] != NEVER))
        return self._decide(slots[near], batch.at[near], stuck[near]) if len(near) else []

    def _columns_of(self, batch: Batch, points: list[str]) -> NDArray[np.float32]:
        return np.column_stack([batch.quantities[name] for name in points]).astype(np.float32)

    def _follow(self, batch: Batch, shows: NDArray[np.float32], same: Bools, moved: Bools) -> None:
        """How long each sensor has shown the same, and what the other point did meanwhile."""
        state, slots = self._state, batch.slots
        other = self._columns_of(batch, [sensor.against for sensor in self._rule.sensors])
        lowest, highest = state.lowest[slots], state.highest[slots]
        state.lowest[slots] = np.where(moved, other, np.where(same, np.fmin(lowest, other), lowest))
        state.highest[slots] = np.where(
            moved, other, np.where(same, np.fmax(highest, other), highest)
        )
        hours = np.minimum(state.same[slots] + same, self._rule.for_hours).astype(np.uint8)
        state.same[slots] = np.where(moved, 0, hours)
        state.shown[slots] = np.where(moved, shows, state.shown[slots])

    def _stuck(self, slots: Ints) -> Bools:
        state = self._state
        long = state.same[slots] >= self._rule.for_hours
        stuck: Bools = long & (state.highest[slots] - state.lowest[slots] >= self._moves)
        return stuck

    def _decide(self, slots: Ints, at: Ints, stuck: Bools) -> list[Edge]:
        state = self._state
        active = state.raised_at[slots] != NEVER
        state.named[slots] |= stuck
        fitted = ~np.isnan(state.shown[slots])
        raising, clearing = ~active, active & ~(state.named[slots] & fitted).any(axis=1)
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
            stuck = self._named(slot)
            yield Edge(
                slot=slot,
                edge=edge,
                onset=int(onset[row]),
                at=int(at[row]),
                reason=reason,
                priority=self._rule.priority,
                value=next(iter(stuck.values()), None),
                details=stuck,
            )

    def _named(self, slot: int) -> dict[str, float]:
        """The value of each sensor that the alert names, by point."""
        shown: Floats = self._state.shown[slot].astype(np.float64)
        rows = np.flatnonzero(self._state.named[slot] & ~np.isnan(shown)).tolist()
        return {self._rule.sensors[row].point: float(shown[row]) for row in rows}

    def adopt(self, open_slot: OpenSlot) -> None:
        """See Watch; the sensors it named are not known, so each must move."""
        super().adopt(open_slot)
        self._state.named[open_slot.slot] = True
