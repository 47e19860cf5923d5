"""A sensor that has been failing for long: a point that stays in `bad` reading after reading
(contract §3).

A point that was bad from a device's very first reading belongs to a sensor that was never fitted,
like that of a tank the house has not got, and is left alone until it has been good once; not so the
points `always_fitted`. One alert per device stands for all its failing sensors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document.rule import (
    Problem,
    RuleErrors,
    Texts,
    duration,
    key,
    noting,
    point,
    points,
    texts,
)
from rules.kinds.lasting.holding import Finding, HoldingRule, HoldingWatch, Judged
from rules.readings.batch import POINT_NUMBERS, Batch
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Columns, column
from rules.watches.watch import DeviceRule, Edge

Bits = NDArray[np.int32]
_MOST: Final = 31
"""Sensors are bits of a column."""


def names(value: object) -> Mapping[str, Texts]:
    """A table per point with what it is called in each language."""
    if not isinstance(value, dict) or not value:
        raise ValueError("write a table per point with zh and en")
    found: dict[str, Texts] = {}
    problems: list[Problem] = []
    for name, said in value.items():
        with noting(problems, name):
            found[point(name)] = texts(said)
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
        found = super().problems()
        if len(self.sensor) > _MOST:
            found.append(("sensor", f"at most {_MOST}"))
        strange = [name for name in self.always_fitted if name not in self.sensor]
        return found + [
            ("always_fitted", f"{name} has no table [rule.sensor.{name}]") for name in strange
        ]

    def watch(self, codes: Codes) -> "BadPointsWatch":
        return BadPointsWatch(self)

    def more_words(self, edge: Edge, language: str) -> dict[str, str]:
        bits = int(edge.details["sensors"])
        failing = [
            said[language] for place, said in enumerate(self.sensor.values()) if bits >> place & 1
        ]
        return {"sensors": ("、" if language == "zh" else ", ").join(failing)}


@dataclass
class _State(Columns):
    never_good: Bits = column(
        np.int32, 0
    )  # a bit per sensor that has been bad since the device's first reading
    failing: Bits = column(
        np.int32, 0
    )  # a bit per sensor that has been bad at every reading for as long as it holds


class BadPointsWatch(HoldingWatch):
    """One such rule at work on all devices."""

    def __init__(self, rule: BadPointsRule) -> None:
        self._state = _State()
        super().__init__(
            rule, (Finding("sensor_fails", rule.on_delay_ms, rule.priority),), self._state
        )
        self._bit_of = np.zeros(
            len(POINT_NUMBERS), np.int32
        )  # by the point's number; 0 for points of no concern
        for place, name in enumerate(rule.sensor):
            self._bit_of[POINT_NUMBERS[name]] = 1 << place
        fitted = [POINT_NUMBERS[name] for name in rule.always_fitted]
        self._fitted = np.bitwise_or.reduce(self._bit_of[fitted])

    def suspects(self, batch: Batch) -> Bools:
        found: Bools = self._state.never_good[batch.slots] != 0
        found[batch.bad_rows] = True
        return found

    def judge(self, batch: Batch, active: NDArray[np.int8]) -> Judged:
        state, slots = self._state, batch.slots
        bad = self._bits(batch)
        new = batch.previous_at == NEVER
        never_good = np.where(new, bad & ~self._fitted, state.never_good[slots] & bad)
        state.never_good[slots] = never_good
        bad &= ~never_good
        still = state.failing[slots] & bad
        # Where another sensor takes over without a good reading between, the delay goes on: it is
        # one alert.
        failing = np.where(still != 0, still, bad)
        state.failing[slots] = failing
        holds = (failing != 0)[:, None]
        return Judged(
            holds, np.zeros_like(holds), np.full(holds.shape, np.nan), {"sensors": failing}
        )

    def _bits(self, batch: Batch) -> Bits:
        """A bit per sensor that could not be read, by row."""
        bits = self._bit_of[batch.bad_points]
        return np.bincount(batch.bad_rows, bits, minlength=len(batch)).astype(np.int32)
