"""A sensor that has been failing for long: a point that stays in `bad` reading after reading (CONTRACT §3).

A point that was bad from a device's very first reading belongs to a sensor that was never fitted, like that of a tank
the house has not got, and is left alone until it has been good once; not so the points `always_fitted`. One alert per
device stands for all its failing sensors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rules.batch import POINT_NUMBERS, Batch
from rules.codes import Codes
from rules.columns import NEVER, Bools, Ints, column
from rules.kinds.holding import Finding, HoldingRule, HoldingState, HoldingWatch, Judged
from rules.rule import Problem, RuleErrors, Texts, duration, key, point, points, texts
from rules.watch import DeviceRule, Edge


def names(value: object) -> Mapping[str, Texts]:
    """A table per point with what it is called in each language."""
    if not isinstance(value, dict) or not value:
        raise ValueError("write a table per point with zh and en")
    found: dict[str, Texts] = {}
    problems: list[Problem] = []
    for name, said in value.items():
        try:
            found[point(name)] = texts(said)
        except RuleErrors as error:
            problems += error.below(name)
        except ValueError as error:
            problems.append((name, str(error)))
    if problems:
        raise RuleErrors(sorted(problems))
    return found


@dataclass(frozen=True, kw_only=True)
class BadPointsRule(HoldingRule):
    """One of the points of the table `sensor` bad for `on_delay`."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"sensors"}

    sensor: Mapping[str, Texts] = key(names)
    always_fitted: tuple[str, ...] = key(points, ())
    on_delay_ms: int = key(duration)

    def problems(self) -> list[Problem]:
        strange = [name for name in self.always_fitted if name not in self.sensor]
        return super().problems() + [("always_fitted", f"{name} has no table [rule.sensor.{name}]") for name in strange]

    def watch(self, codes: Codes) -> "BadPointsWatch":
        return BadPointsWatch(self)

    def more_words(self, edge: Edge, language: str) -> dict[str, str]:
        bits = int(edge.details["sensors"])
        failing = [said[language] for name, said in self.sensor.items() if bits >> POINT_NUMBERS[name] & 1]
        return {"sensors": ("、" if language == "zh" else ", ").join(failing)}


@dataclass
class _State(HoldingState):
    never_good: Ints = column(np.int64, 0)  # a bit per point that has been bad since the device's first reading
    failing: Ints = column(np.int64, 0)  # a bit per point that has been bad at every reading for as long as it holds


class BadPointsWatch(HoldingWatch):
    """One such rule at work on all devices."""

    def __init__(self, rule: BadPointsRule) -> None:
        self._state = _State()
        super().__init__(rule, (Finding("sensor_fails", rule.on_delay_ms, rule.priority),), self._state)
        self._watched_bits = np.int64(sum(1 << POINT_NUMBERS[name] for name in rule.sensor))
        self._fitted_bits = np.int64(sum(1 << POINT_NUMBERS[name] for name in rule.always_fitted))

    def suspects(self, batch: Batch) -> Bools:
        found: Bools = self._state.never_good[batch.slots] != 0
        found[batch.bad_rows] = True
        return found

    def judge(self, batch: Batch, active: NDArray[np.int8]) -> Judged:
        state, slots = self._state, batch.slots
        bad = self._bits(batch) & self._watched_bits
        new = batch.previous_at == NEVER
        never_good = np.where(new, bad & ~self._fitted_bits, state.never_good[slots] & bad)
        state.never_good[slots] = never_good
        bad &= ~never_good
        still = state.failing[slots] & bad
        # Where another sensor takes over without a good reading between, the delay goes on: it is one alert.
        failing = np.where(still != 0, still, bad)
        state.failing[slots] = failing
        holds = (failing != 0)[:, None]
        return Judged(holds, np.zeros_like(holds), np.full(holds.shape, np.nan), {"sensors": failing})

    def _bits(self, batch: Batch) -> Ints:
        """A bit per point that could not be read, by row."""
        weights = np.exp2(batch.bad_points)
        return np.bincount(batch.bad_rows, weights, minlength=len(batch)).astype(np.int64)
