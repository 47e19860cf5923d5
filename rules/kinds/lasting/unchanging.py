"""Readings that repeat to the last digit while the compressor runs: the unit's bus is frozen.

The rule compares all points `compared` together, since one temperature in whole degrees may stand
still for an hour. A unit must show at least `at_least` of them. The first point, the liveliest,
decides whether the others are compared. The symptom begins with the second reading that repeats the
one before. A unit at rest may show the same for hours, so its readings leave the symptom as it is.

Five temperatures in whole degrees do stand still for hours in steady weather; electric points never
do. The alert rises after `on_delay` where one of the points `lively` is known, else after
`coarse_on_delay`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.problems import RuleProblem
from rules.document.rule import key
from rules.kinds.lasting.holding import Evaluated, HeldSymptom, HoldingRule, HoldingWatch
from rules.readings.batch import STATE_CODES, Batch
from rules.readings.codes import Codes
from rules.readings.columns import Bools, Columns, Ints, column

_RUNNING: Final = STATE_CODES["heating"]
_MIX: Final = np.int64(1_000_003)
"""An odd factor that keeps the points apart in a signature."""


@dataclass(frozen=True, kw_only=True)
class UnchangingRule(HoldingRule):
    """At least `at_least` known points of those `compared`, none of them changing while heating."""

    compared: tuple[str, ...] = key(parse.points)
    lively: tuple[str, ...] = key(parse.points)
    at_least: int = key(parse.count, 4)
    on_delay_ms: int = key(parse.duration)
    coarse_on_delay_ms: int = key(parse.duration)

    @property
    def quantities(self) -> tuple[str, ...]:
        """See DeviceRule."""
        return self.compared

    def problems(self) -> list[RuleProblem]:
        """See Rule."""
        problems = super().problems()
        if self.at_least > len(self.compared):
            problems.append(("at_least", "write at most the number of points compared"))
        if not set(self.lively) <= set(self.compared):
            problems.append(("lively", "write points that are compared"))
        return problems

    def watch(self, codes: Codes) -> "UnchangingWatch":
        """See DeviceRule."""
        return UnchangingWatch(self)


@dataclass
class _State(Columns):
    first: NDArray[np.float32] = column(np.float32, np.nan)  # first point at the reading before
    signature: Ints = column(np.int64, -1)  # of all points at the newest compared reading


class UnchangingWatch(HoldingWatch):
    """One unchanging rule at work on all devices."""

    def __init__(self, rule: UnchangingRule) -> None:
        self._state = _State()
        symptoms = (
            HeldSymptom("nothing_changes", rule.on_delay_ms, rule.priority),
            HeldSymptom("nothing_changes_for_long", rule.coarse_on_delay_ms, rule.priority),
        )
        super().__init__(rule, symptoms, self._state)
        self._rule = rule
        self._lively = [rule.compared.index(name) for name in rule.lively]

    def suspects(self, batch: Batch) -> Bools:
        """See HoldingWatch."""
        first = batch.quantities[self._rule.compared[0]].astype(np.float32)
        repeated: Bools = (first == self._state.first[batch.slots]) & (batch.state == _RUNNING)
        self._state.first[batch.slots] = first
        return repeated

    def evaluate(self, batch: Batch, active: NDArray[np.int8]) -> Evaluated:
        """See HoldingWatch."""
        slots = batch.slots
        values = np.array([batch.quantities[name] for name in self._rule.compared])
        missing = np.isnan(values)
        signature = self._signatures(np.where(missing, 0.0, values))
        same = signature == self._state.signature[slots]
        self._state.signature[slots] = signature
        running = batch.state == _RUNNING
        unknown = (
            missing[0]
            | (np.count_nonzero(~missing, axis=0) < self._rule.at_least)
            | (same & ~running)
        )
        coarse = missing[self._lively].all(axis=0)
        both = np.stack([unknown | coarse, unknown], axis=1)
        return Evaluated(same[:, None] & ~both, both, np.full(both.shape, np.nan))

    def _signatures(self, values: NDArray[np.float64]) -> Ints:
        """One number per column of `values` (points, rows) that changes when any of them does."""
        signature = np.zeros(values.shape[1], np.int64)
        for bits in values.view(np.int64):
            signature = signature * _MIX ^ bits
        return signature
