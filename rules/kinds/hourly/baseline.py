"""Drift of a unit against its own healthy past (rules-and-faults "Published FDD figures").

The rule takes one reading an hour; the mean over a local day is the day's figure. A day with fewer
than `day_hours` readings has no figure, nor has a day after which nothing was read for a week. The
mean of the first `learn_days` figures is the unit's baseline. From then on the change of each
figure against the baseline is smoothed over `settle_days` days. A sign shows when its smoothed
change passes its limit. The alert rises when at least `needs` signs, among them every `required`
sign with a baseline, have shown on `on_days` days in a row. It clears when too few of them pass the
limit less `deadband` percent.

A sign whose points the unit lacks has no baseline; a unit with fewer than `needs` signs never gets
the alert. A sign in `unless` points to another cause: while it shows, the alert does not rise.

With `settled`, a reading counts only after the rule has applied for that long without a break
(`rules.watches.settled`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.conditions import parse_quantity
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
from rules.watches.settled import Settled
from rules.watches.watch import Edge, OneAlert, OneAlertWatch

Singles = NDArray[np.float32]
Counts = NDArray[np.uint8]
Signs = NDArray[np.bool_]
"""One column per sign."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A quantity that drifts by `limit`: percent of the baseline if `relative`, else its own unit.

    `direction` is 1 for a rise, −1 for a fall and 0 for either. The baseline of a sound unit lies
    within `healthy`; a baseline outside counts as the nearer end, so that the rule also finds a
    unit that was faulty while it learnt.
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

    def text(self, change: float, language: str) -> str:
        """The sign with its change, like `COP −12 %`."""
        amount = f"{change:+.0f} %" if self.relative else f"{change:+.1f} {self.unit}"
        return f"{self.name[language]} {amount}".replace("-", "−")

    def passed(self, change: float) -> float:
        """The limit on the side of `change`, negative for a fall."""
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

    A table may also hold `required` (true or false) and `healthy` (two numbers in the quantity's
    unit).
    """
    return tuple(
        parse_list(value, _parse_sign, '{ quantity = "cop_ratio", fall = 12.0, name = {…} }')
    )


def _parse_sign(table: Any) -> Sign:
    sides = table.keys() & _SIDES.keys() if isinstance(table, dict) else set()
    if len(sides) != 1 or table.keys() - sides - {"required", "healthy"} != {"quantity", "name"}:
        raise ValueError(f"write a table with quantity, name and one of {', '.join(_SIDES)}")
    (side,) = sides
    direction, relative = _SIDES[side]
    required = table.get("required", False)
    if not isinstance(required, bool):
        raise ValueError("write required = true or false")
    return Sign(
        parse_quantity(table["quantity"]),
        parse.texts(table["name"]),
        direction,
        parse.positive(table[side]),
        relative,
        required,
        _parse_healthy(table.get("healthy")),
    )


def _parse_healthy(value: object) -> tuple[float, float]:
    if value is None:
        return (-np.inf, np.inf)
    if (
        not isinstance(value, list)
        or len(value) != 2
        or not parse.number(value[0]) < parse.number(value[1])
    ):
        raise ValueError("write healthy = [lowest, highest] of a sound unit's baseline")
    return (parse.number(value[0]), parse.number(value[1]))


@dataclass(frozen=True, kw_only=True)
class BaselineRule(DeviceRule):
    """`signs` of drift against the unit's own first days; the value is the first sign's change."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"signs"}

    signs: tuple[Sign, ...] = key(parse_signs)
    unless: tuple[Sign, ...] = key(parse_signs, ())
    needs: int = key(parse.count, 1)
    learn_days: int = key(parse.count, 14)
    day_hours: int = key(parse.count, 6)
    settle_days: float = key(parse.positive, 5.0)
    on_days: int = key(parse.count, 3)
    deadband: float = key(parse.not_negative, 40.0)
    settled_ms: int = key(parse.duration, 0)

    @property
    def hourly(self) -> bool:
        """See DeviceRule."""
        return self.settled_ms == 0

    @property
    def unit(self) -> str | None:
        """See Rule."""
        return self.signs[0].unit

    @property
    def quantities(self) -> tuple[str, ...]:
        """See DeviceRule."""
        return tuple(sign.quantity for sign in (*self.signs, *self.unless))

    def problems(self) -> list[RuleProblem]:
        """See Rule."""
        problems = super().problems()
        if self.needs > len(self.signs):
            problems.append(("needs", "at most the number of signs"))
        if self.learn_days > _MOST_DAYS:
            problems.append(("learn_days", f"at most {_MOST_DAYS}"))
        if self.on_days > _MOST_DAYS:
            problems.append(("on_days", f"at most {_MOST_DAYS}"))
        if self.deadband >= 100.0:
            problems.append(("deadband", "write less than 100 percent of the limit"))
        return problems

    def more_values(self, edge: Edge, language: str) -> dict[str, str]:
        """See DeviceRule."""
        shown = [sign for sign in self.signs if sign.quantity in edge.details]
        texts = [sign.text(edge.details[sign.quantity], language) for sign in shown]
        return {"signs": enumeration(texts, language)}

    def watch(self, codes: Codes) -> "BaselineWatch":
        """See DeviceRule."""
        return BaselineWatch(self)


_MOST_DAYS: Final = 200
"""Days are counted in one byte."""
_STALE_DAYS: Final = 7
"""A day counts when the next one begins, unless it ended longer ago than this."""


@dataclass
class _State(OneAlert):
    day: NDArray[np.int32] = column(np.int32, NEVER)  # the local day under way
    # By sign:
    total: Singles = column(np.float32, 0.0, wide=True)  # sum of the day's values
    hours: Counts = column(np.uint8, 0, wide=True)  # number of the day's values
    learnt: Counts = column(np.uint8, 0, wide=True)  # days in the baseline
    baseline: Singles = column(np.float32, np.nan, wide=True)
    change: Singles = column(np.float32, 0.0, wide=True)  # smoothed, in percent or its unit
    showing: Counts = column(np.uint8, 0)  # days in a row with enough signs


@dataclass
class _SettledState(_State, Settled):
    """With the further columns of a rule over settled readings."""


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
        """See Watch."""
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
        counts = (hours >= self._rule.day_hours) & fresh[:, None]
        figure = np.where(counts, state.total[slots] / np.maximum(hours, 1), np.nan)
        state.total[slots], state.hours[slots] = 0.0, 0
        drifting = counts & (state.learnt[slots] >= self._rule.learn_days)
        self._learn(slots, figure, counts & ~drifting)
        self._smooth(slots, figure, drifting)
        rows = np.flatnonzero(drifting.any(axis=1))
        return self._decide(slots[rows], at[rows]) if len(rows) else []

    def _learn(self, slots: Ints, figure: Floats, learning: Signs) -> None:
        """Add the day to the running mean."""
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

    def _decide(self, slots: Ints, at: Ints) -> list[Edge]:
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
        """Whether enough signs, and every required one, are beyond `limit` (one per sign)."""
        known = self._known(slots)
        beyond = self._beyond(slots, limit)
        required: Bools = (beyond | ~(known & self._required)).all(axis=1)
        enough: Bools = required & (
            np.count_nonzero(beyond & known & self._counts, axis=1) >= self._rule.needs
        )
        return enough

    def _barred(self, slots: Ints) -> Bools:
        """Whether a sign of another cause shows."""
        against = self._beyond(slots, self._limit) & self._known(slots) & ~self._counts
        barred: Bools = np.count_nonzero(against, axis=1) > 0
        return barred

    def _beyond(self, slots: Ints | int, limit: Floats) -> Signs:
        change = self._state.change[slots]
        moved: Floats = np.where(self._direction == 0, np.abs(change), change * self._direction)
        beyond: Signs = moved >= limit
        return beyond

    def _known(self, slots: Ints | int) -> Signs:
        """Which signs have a baseline."""
        known: Signs = self._state.learnt[slots] >= self._rule.learn_days
        return known

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
                value=change if self._known(slot)[0] else None,
                limit=first.passed(change),
                details=self._changes(slot, edge),
            )

    def _changes(self, slot: int, edge: EdgeKind) -> dict[str, float]:
        """The change of each sign with a baseline, by quantity; for a raise, of those that show.

        The others may be old, like the COP of a unit that now runs at a small ΔT.
        """
        which = self._known(slot)
        if edge == "raise":
            which = which & self._beyond(slot, self._limit)
        changes = zip(
            self._rule.quantities, self._state.change[slot].tolist(), which.tolist(), strict=True
        )
        return {name: change for name, change, shown in changes if shown}
