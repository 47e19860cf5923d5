"""What the physics did by itself, noted as truths: rooms that were really cold, water that really neared freezing.

Each condition has a loose and a strict form. An episode lasts while the loose form holds, and explains alerts; an alert
is demanded of it only where the strict form held for long without a break, at a unit that was heard and whose sensors
were whole. The distance between the two forms is what sensors and polls may be off.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.faults import Effects
from simulators.physics.arrays import Flags
from simulators.physics.state import FleetState
from simulators.scoring.truths import Truth

MINUTE_MS: Final = 60_000
NEVER: Final = -1

LOW_ROOM_C: Final = 18.0  # requirements.md R20
ROOM_CLEARS_C: Final = 18.5  # rules-and-faults.md, "low alarm … hysteresis 18.5"
ROOM_OFF_K: Final = 0.2  # what a room sensor, and the time between two polls, may make of a room


@dataclass(frozen=True, slots=True)
class Condition:
    """A class of `scoring.signs.SIGNS`, and for how long its loose and its strict form must hold, ms."""

    kind: str
    loose_ms: int
    strict_ms: int


LOW_ROOM: Final = Condition("low_room", 45 * MINUTE_MS, 75 * MINUTE_MS)  # about the hour of requirements.md R20


class Tracker:
    """The episodes of one condition at every unit."""

    def __init__(self, condition: Condition, devices: list[str]) -> None:
        self._condition, self._devices = condition, devices
        self._since = np.full(len(devices), NEVER)
        self._strict_since = np.full(len(devices), NEVER)
        self._certain = np.zeros(len(devices), bool)
        self._open = False
        self.truths: list[Truth] = []

    def observe(self, at: int, begins: Flags, goes_on: Flags, strict: Flags) -> None:
        """The loose form at `at`: where it begins, and where it goes on once it has begun; and the strict form."""
        if not self._open and not begins.any():
            return
        held = self._since != NEVER
        over = np.flatnonzero(held & ~goes_on)
        if len(over):
            self._close(over, at)
        self._since[begins & (self._since == NEVER)] = at
        self._strict_since = np.where(strict, np.where(self._strict_since == NEVER, at, self._strict_since), NEVER)
        self._certain |= strict & (at - self._strict_since >= self._condition.strict_ms)
        self._open = bool((self._since != NEVER).any())

    def end(self, at: int) -> None:
        """The season is over; what still lasts has no end."""
        self._close(np.flatnonzero(self._since != NEVER), at, lasts=True)

    def _close(self, units: NDArray[np.int64], at: int, lasts: bool = False) -> None:
        for unit in units.tolist():
            since = int(self._since[unit])
            if at - since >= self._condition.loose_ms:
                certain, end = bool(self._certain[unit]), None if lasts else at
                self.truths.append(Truth(self._condition.kind, "device", self._devices[unit], since, end, certain))
        self._since[units] = NEVER
        self._certain[units] = False


class Nature:
    """Every natural condition of a block's units."""

    def __init__(self, devices: list[str]) -> None:
        self._low_room = Tracker(LOW_ROOM, devices)
        self._trackers = (self._low_room,)

    def observe(self, at: int, state: FleetState, heard: NDArray[np.int64] | None, active: Effects) -> None:
        """The physics at `at`, which only the units `heard` (None: all) were asked about."""
        room = state.temperatures.room_c
        watched = _watched(len(room), heard, active)
        self._low_room.observe(
            at,
            room < LOW_ROOM_C + ROOM_OFF_K,
            room < ROOM_CLEARS_C + ROOM_OFF_K,
            (room < LOW_ROOM_C - ROOM_OFF_K) & watched & (state.room_target_c >= LOW_ROOM_C),
        )

    def truths(self, at: int) -> list[Truth]:
        """Everything that happened until the season's end at `at`."""
        for tracker in self._trackers:
            tracker.end(at)
        return [truth for tracker in self._trackers for truth in tracker.truths]


def _watched(units: int, heard: NDArray[np.int64] | None, active: Effects) -> Flags:
    """The units that were heard, with every sensor whole."""
    watched = np.ones(units, bool)
    if heard is not None:
        watched[:] = False
        watched[heard] = True
    watched[[*active.broken, *active.drift_k, *active.frozen]] = False
    return watched
