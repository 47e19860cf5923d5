"""The write of a batch in which one reading makes the store fail: that one is refused."""

from collections.abc import Sequence

from configuration.set_aside_log import UNPROCESSABLE
from ingest.store.model import (
    OF_CONTENT,
    Prepared,
    ReadingStore,
    RefusedReading,
    StoredReading,
    StoreUnavailable,
)


def write_in_parts(
    store: ReadingStore, readings: Sequence[StoredReading], prepared: Prepared | None
) -> list[RefusedReading]:
    """Store `readings`, and return those refused for good; `prepared` is their form, if they fit.

    Halves of halves find the reading that the store fails at. What fails for each of several
    readings is a failure of the store. Raises StoreUnavailable.
    """
    refused = _write(store, readings, prepared)
    failed = [refusal for refusal in refused if refusal.code == UNPROCESSABLE]
    if len(failed) == len(readings) > 1:
        raise StoreUnavailable(f"the store fails at every reading: {failed[0].detail}")
    return refused


def _write(
    store: ReadingStore, readings: Sequence[StoredReading], prepared: Prepared | None = None
) -> list[RefusedReading]:
    try:
        return store.write_prepared(prepared or store.prepare(readings))
    except OF_CONTENT as error:
        if len(readings) == 1:
            return [RefusedReading(readings[0], UNPROCESSABLE, repr(error))]
    middle = len(readings) // 2
    return _write(store, readings[:middle]) + _write(store, readings[middle:])
