"""For how long a rule has applied to a device without a break: for what can be read only once a
circuit has settled."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.readings.batch import Batch
from rules.readings.columns import FIRST_MS, NEVER, Columns, column
from wire.units import HOUR_MS

Seconds = NDArray[np.int32]
"""Since FIRST_MS; NEVER for none."""


@dataclass
class Settled(Columns):
    """What must be held of a device to know that."""

    since: Seconds = column(np.int32, NEVER)  # of the readings without a break
    newest: Seconds = column(np.int32, NEVER)  # reading to which the rule applied
    counted_at: Seconds = column(np.int32, NEVER)

    def first_of_hour(self, batch: Batch, settled_ms: int) -> Batch:
        """The rows (of those that the rule applies to) that are settled, the first of each device
        in an hour.

        Settled is a device whose readings of the last `settled_ms` were all such, none later than
        that after the one before.
        """
        slots, at = batch.slots, _seconds(batch.at)
        unbroken = self.newest[slots] == _seconds(batch.previous_at)
        unbroken &= batch.at - batch.previous_at <= settled_ms
        since = np.where(unbroken, self.since[slots], at)
        self.since[slots], self.newest[slots] = since, at
        hour_s = HOUR_MS // 1_000
        due = (at - since >= settled_ms // 1_000) & (
            self.counted_at[slots] // hour_s != at // hour_s
        )
        rows = np.flatnonzero(due)
        self.counted_at[slots[rows]] = at[rows]
        return batch.take(rows)


def _seconds(at: NDArray[np.int64]) -> Seconds:
    return np.where(at == NEVER, NEVER, (at - FIRST_MS) // 1_000).astype(np.int32)
