"""Spans of a condition at every unit of a block, and sums by the hour, over a season."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physics.arrays import Flags, Floats
from simulators.physics.fleet.state import FleetState
from simulators.scoring.truths import Truth
from wire.units import HOUR_MS

NEVER: Final = -1
DAY_H: Final = 24
LATELY_H: Final = 4  # about six cycles of forty minutes
FLAT_OUT_H: Final = 48


@dataclass(frozen=True, slots=True)
class NaturalCondition:
    """A class of `scoring.signs.SIGNS` with a loose and a strict form.

    `loose_ms` and `strict_ms` are the times for which they must hold, `needs` the points without
    which the condition cannot be noticed.
    """

    kind: str
    loose_ms: int
    strict_ms: int
    needs: tuple[str, ...] = ()


class Tracker:
    """The spans of one condition at every unit, collected as `truths`."""

    def __init__(
        self,
        condition: NaturalCondition,
        devices: list[str],
        lacks: Mapping[str, NDArray[np.int64]],
    ) -> None:
        self._condition, self._devices = condition, devices
        self._since = np.full(len(devices), NEVER)
        self._strict_since = np.full(len(devices), NEVER)
        self._certain = np.zeros(len(devices), bool)
        self._open = False
        self._observable = np.ones(len(devices), bool)
        for point in lacks.keys() & set(condition.needs):
            self._observable[lacks[point]] = False
        self.truths: list[Truth] = []

    @property
    def open(self) -> bool:
        """Whether the condition holds anywhere."""
        return self._open

    def observe(self, at: int, begins: Flags, goes_on: Flags, strict: Flags) -> None:
        """Take in the condition at `at`.

        The loose form begins where `begins`, and lasts while `goes_on`; `strict` is the strict
        form.
        """
        if not self._open and not begins.any():
            return
        held = self._since != NEVER
        over = np.flatnonzero(held & ~goes_on)
        if len(over):
            self._close(over, at)
        self._since[begins & (self._since == NEVER)] = at
        self._strict_since = np.where(
            strict, np.where(self._strict_since == NEVER, at, self._strict_since), NEVER
        )
        self._certain |= (
            strict & self._observable & (at - self._strict_since >= self._condition.strict_ms)
        )
        self._open = bool((self._since != NEVER).any())

    def end(self, at: int) -> None:
        """End the season at `at`; truths of conditions that still hold have no end."""
        self._close(np.flatnonzero(self._since != NEVER), at, lasts=True)

    def _close(self, units: NDArray[np.int64], at: int, lasts: bool = False) -> None:
        for unit in units.tolist():
            since = int(self._since[unit])
            if at - since >= self._condition.loose_ms:
                end = None if lasts else at
                device, certain = self._devices[unit], bool(self._certain[unit])
                truth = Truth(self._condition.kind, "device", device, since, end, certain)
                self.truths.append(truth)
        self._since[units] = NEVER
        self._certain[units] = False


class Hourly:
    """Hourly sums by unit: seconds of heating and of defrosting, share of running flat out."""

    def __init__(self, units: int) -> None:
        self._heated = np.zeros((DAY_H, units))
        self._defrosted = np.zeros((DAY_H, units))
        self._flat = np.zeros((FLAT_OUT_H, units))
        self._known: tuple[Floats, Floats] | None = None
        self._flat_polls = np.zeros(units)
        self._polls = 0

    def observe(self, at: int, state: FleetState, flat_out: Flags) -> bool:
        """Take in the physics at `at`; whether an hour has ended, so that the sums are new."""
        self._flat_polls += flat_out
        self._polls += 1
        if at % HOUR_MS:
            return False
        hour = at // HOUR_MS
        heated, defrosted = self._known or (state.heated_s, state.defrosted_s)
        self._heated[hour % DAY_H] = state.heated_s - heated
        self._defrosted[hour % DAY_H] = state.defrosted_s - defrosted
        self._flat[hour % FLAT_OUT_H] = self._flat_polls / self._polls
        self._known, self._hour = (state.heated_s, state.defrosted_s), hour
        self._flat_polls, self._polls = np.zeros_like(self._flat_polls), 0
        return True

    def defrost_share(self, least_s: float) -> Floats:
        """Defrosting over heating and defrosting in the last day; 0 below `least_s` of both."""
        return _share(self._heated.sum(axis=0), self._defrosted.sum(axis=0), least_s)

    def lately_defrost_share(self) -> Floats:
        """The same over the last LATELY_H hours, for any time of running."""
        hours = (self._hour - np.arange(LATELY_H)) % DAY_H
        return _share(self._heated[hours].sum(axis=0), self._defrosted[hours].sum(axis=0), 1.0)

    def flat_out_h(self) -> Floats:
        """Hours of running flat out in a cold room in the last two days."""
        hours: Floats = self._flat.sum(axis=0)
        return hours


def _share(heated_s: Floats, defrosted_s: Floats, least_s: float) -> Floats:
    running = heated_s + defrosted_s
    return np.where(running >= least_s, defrosted_s / np.maximum(running, 1.0), 0.0)
