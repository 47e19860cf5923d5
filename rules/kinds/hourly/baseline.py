"""Drift of a unit against its own healthy past (rules-and-faults "Published FDD figures").

A reading an hour is looked at, and their mean over a local day is the day's figure; a day with
fewer than `day_hours` such readings is none, and neither is one after which nothing was read for a
week. The mean of the first `learn_days` days is the unit's baseline. From then on each day's change
against it is smoothed over `settle_days` days. A sign shows when its smoothed change has passed its
limit. The alert rises when at least `needs` signs have shown on `on_days` days in a row, among them
every `required` sign that the unit's points can tell; it clears when too few of them show more than
the limit less `deadband` percent of it.

Signs of points that a unit lacks are left out, so that a unit that cannot show `needs` of them is
never judged. Signs under `unless` speak for another cause: while one of them shows, the alert does
not rise.

With `settled` only readings count to which the rule has applied for so long without a break
(`rules.watches.settled`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document.conditions import quantity
from rules.document.rule import (
    Problem,
    Texts,
    count,
    duration,
    key,
    not_negative,
    number,
    positive,
    texts,
)
from rules.document.tables import each
from rules.readings.batch import Batch
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Floats, Ints, column
from rules.readings.quantities import unit_of
from rules.transitions.transition import EdgeKind
from rules.watches.settled import Settled
from rules.watches.watch import DeviceRule, Edge, OneAlert, OneAlertWatch

Singles = NDArray[np.float32]
Counts = NDArray[np.uint8]
Signs = NDArray[np.bool_]
"""One column per sign."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A quantity that drifts: by `limit` percent of the baseline if `relative`, else by `limit` in
    its own unit.

    `direction` is 1 where a rise is the sign, −1 where a fall is, and 0 where either is. The
    baseline of a sound unit lies within `healthy`; one outside is taken for the nearer end, so that
    a unit that was ill while it learnt is told.
    """

    quantity: str
    name: Texts
    direction: int
    limit: float
    relative: bool
    required: bool
    healthy: tuple[float, float]

    @property
    def unit(self) -> str:
        """The unit of the change."""
        return "percent" if self.relative else unit_of(self.quantity)

    def words(self, change: float, language: str) -> str:
        """The sign with its change, like `COP −12 %`."""
        told = f"{change:+.0f} %" if self.relative else f"{change:+.1f} {self.unit}"
        return f"{self.name[language]} {told}".replace("-", "−")

    def passed(self, change: float) -> float:
        """The limit that a change passes, with the sign of its side."""
        side = self.direction or (-1 if change < 0 else 1)
        return side * self.limit


_SIDES: Final = {
    "rise": (1, True),
    "fall": (-1, True),
    "differ": (0, True),
    "rise_by": (1, False),
    "fall_by": (-1, False),
    "differ_by": (0, False),
}


def parse_signs(value: object) -> tuple[Sign, ...]:
    """Tables of `quantity`, `name` and one of `rise fall differ rise_by fall_by differ_by`.

    Perhaps also of `required` (true or false) and `healthy` (two numbers in the quantity's unit).
    """
    return tuple(each(value, _sign, '{ quantity = "cop_ratio", fall = 12.0, name = {…} }'))


def _sign(table: Any) -> Sign:
    sides = table.keys() & _SIDES.keys() if isinstance(table, dict) else set()
    if len(sides) != 1 or table.keys() - sides - {"required", "healthy"} != {"quantity", "name"}:
        raise ValueError(f"write a table with quantity, name and one of {', '.join(_SIDES)}")
    (side,) = sides
    direction, relative = _SIDES[side]
    required = table.get("required", False)
    if not isinstance(required, bool):
        raise ValueError("write required = true or false")
    return Sign(
        quantity(table["quantity"]),
        texts(table["name"]),
        direction,
        positive(table[side]),
        relative,
        required,
        _healthy(table.get("healthy")),
    )


def _healthy(value: object) -> tuple[float, float]:
    if value is None:
        return (-np.inf, np.inf)
    if not isinstance(value, list) or len(value) != 2 or not number(value[0]) < number(value[1]):
        raise ValueError("write healthy = [lowest, highest] of a sound unit's baseline")
    return (number(value[0]), number(value[1]))


@dataclass(frozen=True, kw_only=True)
class BaselineRule(DeviceRule):
    """`signs` of drift against the unit's own first days; the value told is the change of the first
    one."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"signs"}

    signs: tuple[Sign, ...] = key(parse_signs)
    unless: tuple[Sign, ...] = key(parse_signs, ())
    needs: int = key(count, 1)
    learn_days: int = key(count, 14)
    day_hours: int = key(count, 6)
    settle_days: float = key(positive, 5.0)
    on_days: int = key(count, 3)
    deadband: float = key(not_negative, 40.0)
    settled_ms: int = key(duration, 0)

    @property
    def hourly(self) -> bool:
        return self.settled_ms == 0

    @property
    def unit(self) -> str | None:
        return self.signs[0].unit

    @property
    def quantities(self) -> tuple[str, ...]:
        return tuple(sign.quantity for sign in (*self.signs, *self.unless))

    def problems(self) -> list[Problem]:
        found = super().problems()
        if self.needs > len(self.signs):
            found.append(("needs", "at most the number of signs"))
        if self.learn_days > _MOST_DAYS or self.on_days > _MOST_DAYS:
            found.append(
                (
                    "learn_days" if self.learn_days > _MOST_DAYS else "on_days",
                    f"at most {_MOST_DAYS}",
                )
            )
        if self.deadband >= 100.0:
            found.append(("deadband", "write less than 100 percent of the limit"))
        return found

    def more_words(self, edge: Edge, language: str) -> dict[str, str]:
        told = [sign for sign in self.signs if sign.quantity in edge.details]
        words = [sign.words(edge.details[sign.quantity], language) for sign in told]
        return {"signs": _SEPARATOR[language].join(words)}

    def watch(self, codes: Codes) -> "BaselineWatch":
        return BaselineWatch(self)


_SEPARATOR: Final = {"zh": "、", "en": ", "}
_MOST_DAYS: Final = 200
"""Days are counted in one byte."""
_STALE_DAYS: Final = 7
"""A day is judged when the next one begins; one that ended longer ago says nothing of today."""


@dataclass
class _State(OneAlert):
    day: NDArray[np.int32] = column(np.int32, NEVER)  # the local day under way
    total: Singles = column(
        np.float32, 0.0, wide=True
    )  # by sign: sum of the day's values, how many
    hours: Counts = column(np.uint8, 0, wide=True)
    learnt: Counts = column(np.uint8, 0, wide=True)  # by sign: days in the baseline
    baseline: Singles = column(np.float32, np.nan, wide=True)
    change: Singles = column(
        np.float32, 0.0, wide=True
    )  # by sign: smoothed, in percent or its unit
    showing: Counts = column(np.uint8, 0)  # days in a row that enough signs have shown


@dataclass
class _SettledState(_State, Settled):
    """With what a rule over settled readings holds besides."""


class BaselineWatch(OneAlertWatch):
    """One baseline rule at work on all devices."""

    def __init__(self, rule: BaselineRule) -> None:
        self._rule = rule
        kind = _SettledState if rule.settled_ms else _State
        self._state = kind.of_width(len(rule.quantities))
        every = (*rule.signs, *rule.unless)
        self._direction = np.array([sign.direction for sign in every])
        self._relative = np.array([sign.relative for sign in every])
        self._limit = np.array([sign.limit for sign in every])
        self._healthy = np.array([sign.healthy for sign in every]).T
        self._counts = np.arange(len(every)) < len(rule.signs)
        self._required = self._counts & np.array([sign.required for sign in every])
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        state = self._state
        if isinstance(state, Settled):
            batch = state.first_of_hour(batch, self._rule.settled_ms)
            if not len(batch):
                return []
        day = batch.season.days(batch.at).astype(np.int32)
        ended = np.flatnonzero((state.day[batch.slots] != day) & (state.day[batch.slots] != NEVER))
        fresh = day[ended] - state.day[batch.slots[ended]] <= _STALE_DAYS
        edges = self._end_day(batch.slots[ended], batch.at[ended], fresh) if len(ended) else []
        state.day[batch.slots] = day
        values = np.column_stack([batch.quantities[name] for name in self._rule.quantities])
        known = ~np.isnan(values)
        state.total[batch.slots] += np.where(known, values, 0.0).astype(np.float32)
        state.hours[batch.slots] += known
        return edges

    def _end_day(self, slots: Ints, at: Ints, fresh: Bools) -> list[Edge]:
        state = self._state
        hours = state.hours[slots]
        judged = (hours >= self._rule.day_hours) & fresh[:, None]
        figure = np.where(judged, state.total[slots] / np.maximum(hours, 1), np.nan)
        state.total[slots], state.hours[slots] = 0.0, 0
        drifting = judged & (state.learnt[slots] >= self._rule.learn_days)
        self._learn(slots, figure, judged & ~drifting)
        self._smooth(slots, figure, drifting)
        rows = np.flatnonzero(drifting.any(axis=1))
        return self._judge(slots[rows], at[rows]) if len(rows) else []

    def _learn(self, slots: Ints, figure: Floats, learning: Signs) -> None:
        """Take the day into the running mean."""
        state = self._state
        learnt = state.learnt[slots] + learning
        before = np.where(learnt > 1, state.baseline[slots], 0.0)
        grown = before + (figure - before) / np.maximum(learnt, 1)
        state.baseline[slots] = np.where(learning, grown, state.baseline[slots])
        state.learnt[slots] = learnt

    def _smooth(self, slots: Ints, figure: Floats, drifting: Signs) -> None:
        state = self._state
        baseline = np.where(drifting, np.clip(state.baseline[slots], *self._healthy), 1.0)
        scale = np.where(
            self._relative, 100.0 / np.where(baseline == 0.0, np.nan, np.abs(baseline)), 1.0
        )
        moved = (figure - baseline) * scale - state.change[slots]
        state.change[slots] += np.where(
            drifting & ~np.isnan(moved), moved / self._rule.settle_days, 0.0
        )

    def _judge(self, slots: Ints, at: Ints) -> list[Edge]:
        state, rule = self._state, self._rule
        active = state.raised_at[slots] != NEVER
        enough = self._enough(slots, self._limit) & ~self._barred(slots)
        showing = np.where(enough, np.minimum(state.showing[slots] + 1, rule.on_days), 0)
        raising = ~active & (showing >= rule.on_days)
        clearing = active & ~self._enough(slots, self._limit * (1.0 - rule.deadband / 100.0))
        onset = np.where(raising, at, state.raised_at[slots])
        state.showing[slots] = showing
        state.raised_at[slots] = np.where(clearing, NEVER, onset)
        return [
            *self._edges("clear", "back_near_baseline", clearing, slots, at, onset),
            *self._edges("raise", "away_from_baseline", raising, slots, at, onset),
        ]

    def _enough(self, slots: Ints, limit: Floats) -> Bools:
        """Whether enough signs are beyond `limit` (one per sign), and every required one that the
        unit can tell."""
        told = self._told(slots)
        beyond = self._beyond(slots, limit)
        required: Bools = (beyond | ~(told & self._required)).all(axis=1)
        enough: Bools = required & (
            np.count_nonzero(beyond & told & self._counts, axis=1) >= self._rule.needs
        )
        return enough

    def _barred(self, slots: Ints) -> Bools:
        """Whether a sign shows that speaks for another cause."""
        against = self._beyond(slots, self._limit) & self._told(slots) & ~self._counts
        barred: Bools = np.count_nonzero(against, axis=1) > 0
        return barred

    def _beyond(self, slots: Ints | int, limit: Floats) -> Signs:
        change = self._state.change[slots]
        moved: Floats = np.where(self._direction == 0, np.abs(change), change * self._direction)
        beyond: Signs = moved >= limit
        return beyond

    def _told(self, slots: Ints | int) -> Signs:
        told: Signs = self._state.learnt[slots] >= self._rule.learn_days
        return told

    def _edges(
        self, edge: EdgeKind, reason: str, which: Bools, slots: Ints, at: Ints, onset: Ints
    ) -> Iterator[Edge]:
        for row in np.flatnonzero(which).tolist():
            slot = int(slots[row])
            first = self._rule.signs[0]
            change = float(self._state.change[slot, 0])
            yield Edge(
                slot=slot,
                edge=edge,
                onset=int(onset[row]),
                at=int(at[row]),
                reason=reason,
                priority=self._rule.priority,
                value=change if self._told(slot)[0] else None,
                limit=first.passed(change),
                details=self._changes(slot, edge),
            )

    def _changes(self, slot: int, edge: EdgeKind) -> dict[str, float]:
        """The change of each sign that the unit can tell, by quantity; of an alert that is raised,
        of those that show.

        The others may have last been told long ago, as the COP of a unit that now runs at a small
        ΔT.
        """
        told = self._told(slot)
        if edge == "raise":
            told = told & self._beyond(slot, self._limit)
        changes = zip(
            self._rule.quantities, self._state.change[slot].tolist(), told.tolist(), strict=True
        )
        return {name: change for name, change, known in changes if known}
