"""Columns of the few devices that a rule has something pending or active of; all others cost one
byte.

A healthy fleet has next to nothing pending: what is held is a small table sorted by slot, beside a
flag per slot.
"""

from abc import ABC
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import fields
from typing import Generic, TypeVar

import numpy as np

from rules.readings.columns import Bools, Columns, Ints

C = TypeVar("C", bound=Columns)


class Sparse(Generic[C]):
    """`columns` of the devices in `slots`, which rise; `new` makes such columns, empty."""

    def __init__(self, new: Callable[[], C]) -> None:
        self.slots = np.zeros(0, np.int64)
        self.columns = new()
        self._names = [spec.name for spec in fields(self.columns)]
        self._new = new
        self._holds = np.zeros(0, np.bool_)  # by slot

    def resize(self, capacity: int) -> None:
        """Make room for `capacity` slots; what is held stays."""
        self._holds = np.zeros(capacity, np.bool_)
        self._holds[self.slots] = True

    def holds(self, slots: Ints) -> Bools:
        """Of which of these devices something is held."""
        held: Bools = self._holds[slots]
        return held

    def take(self, slots: Ints) -> C:
        """A copy of what is held of these devices, no slot twice; as if nothing were known where
        nothing is held."""
        (held,) = self._holds[slots].nonzero()
        places = self.slots.searchsorted(slots[held])
        if len(held) == len(slots):  # the usual case: what is pending stays so for a while
            taken = copy(self.columns)
            for name in self._names:
                setattr(taken, name, getattr(self.columns, name)[places])
            return taken
        taken = self._new()
        taken.resize(len(slots))
        for name in self._names:
            getattr(taken, name)[held] = getattr(self.columns, name)[places]
        return taken

    def put(self, slots: Ints, rows: C, kept: Bools) -> None:
        """Hold these rows of these devices where `kept`, and nothing of the others among them."""
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

    def _update(self, slots: Ints, rows: C, held: Bools) -> None:
        """Take over the rows of devices of which something is held already, the usual case."""
        places = self.slots.searchsorted(slots[held])
        for name in self._names:
            getattr(self.columns, name)[places] = getattr(rows, name)[held]

    def forget(self, slots: Ints) -> None:
        """Hold nothing of these devices."""
        if not self._holds[slots].any():
            return
        self._holds[slots] = False
        kept = np.flatnonzero(self._holds[self.slots])
        self.slots = self.slots[kept]
        for name in self._names:
            setattr(self.columns, name, getattr(self.columns, name)[kept])

    def snapshot(self) -> dict[str, np.ndarray]:
        """Copies of all that is held, and under `slot` whose it is."""
        return {"slot": self.slots.copy(), **self.columns.snapshot(len(self.slots))}

    def restore(self, saved: Mapping[str, np.ndarray], slots: Ints) -> None:
        """Take back a snapshot whose slot i is now `slots[i]`; one that does not fit is ignored."""
        if "slot" not in saved or not self.columns.fits(saved):
            return
        rows = self._new()
        rows.resize(len(saved["slot"]))
        rows.restore(saved, np.arange(len(saved["slot"])))
        self.put(slots[saved["slot"]], rows, np.ones(len(saved["slot"]), bool))


class SparseWatch(ABC, Generic[C]):
    """A watch whose state is `self._held`, and perhaps some columns of all devices; `step` and its
    words remain."""

    def __init__(self, new: Callable[[], C], dense: Columns | None = None) -> None:
        self._held = Sparse(new)
        self._dense = Columns() if dense is None else dense

    def resize(self, capacity: int) -> None:
        """See rules.watches.watch.Watch."""
        self._held.resize(capacity)
        self._dense.resize(capacity)

    def forget(self, slots: Ints) -> None:
        """See rules.watches.watch.Watch."""
        self._held.forget(slots)
        self._dense.forget(slots)

    def snapshot(self, count: int) -> dict[str, np.ndarray]:
        """See rules.watches.watch.Watch."""
        return {**self._dense.snapshot(count), **self._held.snapshot()}

    def restore(self, saved: Mapping[str, np.ndarray], slots: Ints) -> None:
        """See rules.watches.watch.Watch."""
        self._dense.restore(saved, slots)
        self._held.restore(saved, slots)
