"""State of the few devices with something pending or active; every other device costs one byte.

A healthy fleet has next to nothing pending. The state is therefore a small table sorted by slot,
beside a flag per slot.
"""

from abc import ABC
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import fields
from typing import Generic, TypeVar

import numpy as np

from rules.readings.columns import Bools, Columns, Ints

State = TypeVar("State", bound=Columns)


class Sparse(Generic[State]):
    """`columns` of the devices in `slots`, in rising order; `new` makes such columns, empty."""

    def __init__(self, new: Callable[[], State]) -> None:
        self.slots = np.zeros(0, np.int64)
        self.columns = new()
        self._names = [spec.name for spec in fields(self.columns)]
        self._new = new
        self._holds = np.zeros(0, np.bool_)  # by slot

    def resize(self, capacity: int) -> None:
        """Make room for `capacity` slots and keep the state there is."""
        self._holds = np.zeros(capacity, np.bool_)
        self._holds[self.slots] = True

    def holds(self, slots: Ints) -> Bools:
        """Which of these devices have state."""
        held: Bools = self._holds[slots]
        return held

    def take(self, slots: Ints) -> State:
        """A copy of the state of these devices, no slot twice; empty rows where there is none."""
        (held,) = self._holds[slots].nonzero()
        positions = self.slots.searchsorted(slots[held])
        if len(held) == len(slots):  # the usual case: state lasts a while
            taken = copy(self.columns)
            for name in self._names:
                setattr(taken, name, getattr(self.columns, name)[positions])
            return taken
        taken = self._new()
        taken.resize(len(slots))
        for name in self._names:
            getattr(taken, name)[held] = getattr(self.columns, name)[positions]
        return taken

    def put(self, slots: Ints, rows: State, kept: Bools) -> None:
        """Keep these rows of these devices where `kept`, and forget the other devices."""
        if (kept == self._holds[slots]).all():
            self._update(slots, rows, kept)
            return
        self.forget(slots)
        new = np.flatnonzero(kept)
        order = np.argsort(np.concatenate([self.slots, slots[new]]), kind="stable")
        self.slots = np.concatenate([self.slots, slots[new]])[order]
        for name in self._names:
            both = np.concatenate([getattr(self.columns, name), getattr(rows, name)[new]])
            setattr(self.columns, name, both[order])
        self._holds[slots[new]] = True
        assert (self.slots[1:] > self.slots[:-1]).all(), "a device stands twice in the state"

    def _update(self, slots: Ints, rows: State, held: Bools) -> None:
        """Replace the rows of devices that have state already, the usual case."""
        positions = self.slots.searchsorted(slots[held])
        for name in self._names:
            getattr(self.columns, name)[positions] = getattr(rows, name)[held]

    def forget(self, slots: Ints) -> None:
        """Drop the state of these devices."""
        if not self._holds[slots].any():
            return
        self._holds[slots] = False
        kept = np.flatnonzero(self._holds[self.slots])
        self.slots = self.slots[kept]
        for name in self._names:
            setattr(self.columns, name, getattr(self.columns, name)[kept])

    def snapshot(self) -> dict[str, np.ndarray]:
        """Copies of all state by name; `slot` says whose it is."""
        return {"slot": self.slots.copy(), **self.columns.snapshot(len(self.slots))}

    def restore(self, saved: Mapping[str, np.ndarray], slots: Ints) -> None:
        """Take back a snapshot whose slot i is now `slots[i]`; ignore one that does not fit."""
        if "slot" not in saved or not self.columns.fits(saved):
            return
        rows = self._new()
        rows.resize(len(saved["slot"]))
        rows.restore(saved, np.arange(len(saved["slot"])))
        self.put(slots[saved["slot"]], rows, np.ones(len(saved["slot"]), bool))


class SparseWatch(ABC, Generic[State]):
    """A watch with state in `self._held`, and perhaps some columns of all devices.

    A kind adds `step`, `open_slots` and `adopt`.
    """

    def __init__(self, new: Callable[[], State], dense: Columns | None = None) -> None:
        self._held = Sparse(new)
        self._dense = Columns() if dense is None else dense

    def resize(self, capacity: int) -> None:
        """See Watch."""
        self._held.resize(capacity)
        self._dense.resize(capacity)

    def forget(self, slots: Ints) -> None:
        """See Watch."""
        self._held.forget(slots)
        self._dense.forget(slots)

    def snapshot(self, count: int) -> dict[str, np.ndarray]:
        """See Watch."""
        return {**self._dense.snapshot(count), **self._held.snapshot()}

    def restore(self, saved: Mapping[str, np.ndarray], slots: Ints) -> None:
        """See Watch."""
        self._dense.restore(saved, slots)
        self._held.restore(saved, slots)
