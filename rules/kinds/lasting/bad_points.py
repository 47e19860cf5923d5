"""A sensor that fails for long: its point stays in `bad` reading after reading (contract §3).

A point that was bad from a device's first reading on belongs to a sensor that was never fitted,
such as that of a missing tank. The rule ignores it until it has been good once, unless it is one of
`always_fitted`. A device has one alert for all its failing sensors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.problems import RuleErrors, RuleProblem, noting
from rules.document.rule import key
from rules.document.texts import Texts, enumeration
from rules.kinds.lasting.holding import Evaluated, HeldSymptom, HoldingRule, HoldingWatch
from rules.readings.batch import POINT_NUMBERS, Batch
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Columns, column
from rules.watches.device_rule import DeviceRule
from rules.watches.watch import Edge

Bits = NDArray[np.int32]
_MOST: Final = 31
"""Sensors are bits of a column."""


def parse_names(value: object) -> Mapping[str, Texts]:
    """A table per point: the sensor's name in each language."""
    if not isinstance(value, dict) or not value:
        raise ValueError("write a table per point with zh and en")
    names: dict[str, Texts] = {}
    problems: list[RuleProblem] = []
    for point, texts in value.items():
        with noting(problems, point):
            names[parse.point(point)] = parse.texts(texts)
    if problems:
        raise RuleErrors(sorted(problems))
    return names


@dataclass(frozen=True, kw_only=True)
class BadPointsRule(HoldingRule):
    """One of the points of `sensor` bad for `on_delay`; `sensor` names it in each language."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"sensors"}

    sensor: Mapping[str, Texts] = key(parse_names)
    always_fitted: tuple[str, ...] = key(parse.points, ())
    on_delay_ms: int = key(parse.duration)

    def problems(self) -> list[RuleProblem]:
        """See Rule."""
        problems = super().problems()
        if len(self.sensor) > _MOST:
            problems.append(("sensor", f"at most {_MOST}"))
        unnamed = [point for point in self.always_fitted if point not in self.sensor]
        return problems + [
            ("always_fitted", f"{point} has no table [rule.sensor.{point}]") for point in unnamed
        ]

    def watch(self, codes: Codes) -> "BadPointsWatch":
        """See DeviceRule."""
        return BadPointsWatch(self)

    def more_values(self, edge: Edge, language: str) -> dict[str, str]:
        """See DeviceRule."""
        bits = int(edge.details["sensors"])
        failing = [
            name[language] for bit, name in enumerate(self.sensor.values()) if bits >> bit & 1
        ]
        return {"sensors": enumeration(failing, language)}


@dataclass
class _State(Columns):
    # A bit per sensor:
    never_good: Bits = column(np.int32, 0)  # bad since the device's first reading
    failing: Bits = column(np.int32, 0)  # bad at every reading since the symptom began


class BadPointsWatch(HoldingWatch):
    """One bad-points rule at work on all devices."""

    def __init__(self, rule: BadPointsRule) -> None:
        self._state = _State()
        super().__init__(
            rule, (HeldSymptom("sensor_fails", rule.on_delay_ms, rule.priority),), self._state
        )
        self._bit_of = np.zeros(len(POINT_NUMBERS), np.int32)  # by point number; 0: not watched
        for bit, point in enumerate(rule.sensor):
            self._bit_of[POINT_NUMBERS[point]] = 1 << bit
        fitted = [POINT_NUMBERS[name] for name in rule.always_fitted]
        self._fitted = np.bitwise_or.reduce(self._bit_of[fitted])

    def suspects(self, batch: Batch) -> Bools:
        """See HoldingWatch."""
        suspects: Bools = self._state.never_good[batch.slots] != 0
        suspects[batch.bad_rows] = True
        return suspects

    def evaluate(self, batch: Batch, active: NDArray[np.int8]) -> Evaluated:
        """See HoldingWatch."""
        state, slots = self._state, batch.slots
        bad = self._bits(batch)
        new = batch.previous_at == NEVER
        never_good = np.where(new, bad & ~self._fitted, state.never_good[slots] & bad)
        state.never_good[slots] = never_good
        bad &= ~never_good
        still = state.failing[slots] & bad
        # Where another sensor fails before all are good again the delay goes on: it is one alert.
        failing = np.where(still != 0, still, bad)
        state.failing[slots] = failing
        holds = (failing != 0)[:, None]
        return Evaluated(
            holds, np.zeros_like(holds), np.full(holds.shape, np.nan), {"sensors": failing}
        )

    def _bits(self, batch: Batch) -> Bits:
        """By row, a bit per sensor that could not be read."""
        bits = self._bit_of[batch.bad_points]
        return np.bincount(batch.bad_rows, bits, minlength=len(batch)).astype(np.int32)
