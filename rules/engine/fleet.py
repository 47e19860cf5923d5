"""Which device has which slot, and its newest reading's time and state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from rules.readings.batch import UNKNOWN_STATE, Batch, Numbers, StateCodes
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Columns, Ints, column
from rules.readings.season import Season

_NOBODY: Final = ""
"""Stands for a device in a free slot."""


@dataclass
class _Last(Columns):
    at: Ints = column(np.int64, NEVER)
    state: StateCodes = column(np.int8, UNKNOWN_STATE)
    interval_ms: Ints = column(np.int64, 0)


@dataclass
class _Whereabouts(Columns):
    village: Numbers = column(np.int32, -1)


class FleetSlots:
    """The devices by slot, with the event time and state of the newest reading of each.

    `devices` holds '' for a free slot. `late` counts readings that were not newer than their
    device's newest.
    """

    def __init__(self, season: Season) -> None:
        self.season = season
        self.devices: list[str] = []
        self.late = 0
        self._slot_of: dict[str, int] = {}
        self._free: list[int] = []
        self._last = _Last()
        self._whereabouts = _Whereabouts()
        self._villages = Codes()

    def __len__(self) -> int:
        return len(self.devices)

    @property
    def capacity(self) -> int:
        """How many slots the arrays have room for."""
        return len(self._last.at)

    def slots(self, devices: Sequence[str]) -> Ints:
        """The slot of each device; a new device gets the next free one."""
        slot_of = self._slot_of
        try:
            return np.fromiter([slot_of[device] for device in devices], np.int64, len(devices))
        except KeyError:
            return np.fromiter([self._slot(device) for device in devices], np.int64, len(devices))

    def _slot(self, device: str) -> int:
        slot = self._slot_of.get(device)
        if slot is None:
            slot = self._slot_of[device] = self._free.pop() if self._free else self._new_slot()
            assert self.devices[slot] == _NOBODY, "two devices in one slot would share their state"
            self.devices[slot] = device
        return slot

    def _new_slot(self) -> int:
        slot = len(self.devices)
        self.devices.append(_NOBODY)
        if slot >= self.capacity:
            self._whereabouts.resize(max(64, 2 * self.capacity))
            self._last.resize(max(64, 2 * self.capacity))
        return slot

    def _spare(self) -> int:
        """A free slot for a row of a snapshot that was free."""
        slot = self._new_slot()
        self._free.append(slot)
        return slot

    def knows(self, device: str) -> bool:
        """Whether the device has a slot."""
        return device in self._slot_of

    def forget(self, device: str) -> None:
        """Free the slot of a device."""
        slot = self._slot_of.pop(device)
        self.devices[slot] = _NOBODY
        self._free.append(slot)
        for part in (self._last, self._whereabouts):
            part.forget(np.array([slot]))

    def expect(self, devices: Sequence[str], interval_ms: int, village: str) -> None:
        """Note the poll interval of these devices and their village, by a name of its own."""
        slots = self.slots(devices)  # first: new devices may need larger arrays
        self._last.interval_ms[slots] = interval_ms
        self._whereabouts.village[slots] = self._villages.number(village)

    def admit(self, batch: Batch) -> Batch:
        """The rows newer than any earlier row of the same device; updates what was last seen.

        The rows are joined with the time, state, interval and village known until then.
        """
        newer = batch.at > self._last.at[batch.slots]
        if not newer.all():
            self.late += int(np.count_nonzero(~newer))
            batch = batch.take(np.flatnonzero(newer))
        slots, last = batch.slots, self._last
        village = self._whereabouts.village[slots]
        admitted = batch.following(
            last.at[slots], last.state[slots], last.interval_ms[slots], village, self.season
        )
        last.at[slots] = batch.at
        last.state[slots] = batch.state
        return admitted

    def newest_of(self, device: str) -> int:
        """The event time (UTC ms) of the device's newest reading, NEVER without one."""
        slot = self._slot_of.get(device)
        return NEVER if slot is None else int(self._last.at[slot])

    def interval_of(self, device: str) -> int:
        """The poll interval of the device in ms, 0 where unknown."""
        slot = self._slot_of.get(device)
        return 0 if slot is None else int(self._last.interval_ms[slot])

    def newest(self) -> dict[str, int]:
        """By device with a reading, the event time (UTC ms) of its newest."""
        times = self._last.at[: len(self)].tolist()
        return {device: at for device, at in zip(self.devices, times, strict=True) if at != NEVER}

    def snapshot(self) -> dict[str, np.ndarray]:
        """The devices (a text array) and what was last seen of each."""
        return {"device": np.array(self.devices, np.str_), **self._last.snapshot(len(self))}

    def restore(self, saved: Mapping[str, np.ndarray]) -> Ints:
        """Take back a snapshot; returns the slot in this fleet of each saved row."""
        devices = [str(device) for device in saved["device"].tolist()]
        slots = np.array(
            [self._slot(device) if device else self._spare() for device in devices], np.int64
        )
        self._last.restore(saved, slots)
        return slots
