"""How long a rule has applied to a device without a break: a circuit must settle first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.readings.batch import Batch
from rules.readings.columns import FIRST_MS, NEVER, Columns, column
from wire.units import HOUR_MS, SECOND_MS

Seconds = NDArray[np.int32]
"""Since FIRST_MS; NEVER for none."""


@dataclass
class Settled(Columns):
    """The state that this takes; times in seconds."""

    since: Seconds = column(np.int32, NEVER)  # begin of the readings without a break
    newest: Seconds = column(np.int32, NEVER)  # newest reading that the rule applied to
    counted_at: Seconds = column(np.int32, NEVER)  # newest reading that counted

    def first_of_hour(self, batch: Batch, settled_ms: int) -> Batch:
        """Of the rows that the rule applies to, each settled device's first in an hour.

        A device is settled when the rule applied to all its readings of the last `settled_ms`, and
        no two of them were farther apart than that.
        """
        slots, at = batch.slots, _seconds(batch.at)
        unbroken = self.newest[slots] == _seconds(batch.previous_at)
        unbroken &= batch.at - batch.previous_at <= settled_ms
        since = np.where(unbroken, self.since[slots], at)
        self.since[slots], self.newest[slots] = since, at
        hour_s = HOUR_MS // SECOND_MS
        due = (at - since >= settled_ms // SECOND_MS) & (
            self.counted_at[slots] // hour_s != at // hour_s
        )
        rows = np.flatnonzero(due)
        self.counted_at[slots[rows]] = at[rows]
        return batch.take(rows)


def _seconds(at: NDArray[np.int64]) -> Seconds:
    return np.where(at == NEVER, NEVER, (at - FIRST_MS) // SECOND_MS).astype(np.int32)
