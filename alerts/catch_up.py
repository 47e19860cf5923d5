"""What the rules missed while the service was away, read from the reading store (DESIGN §4.5)."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from ingest.store import ReadingStore
from wire.messages import Reading
from wire.topics import Place

# Gateways are not in step, and one device's newest reading may be older than another's; what the rules have
# seen already they ignore.
_OVERLAP_MS: Final = 10 * 60_000
_CHUNK: Final = 2_000

Chunk = list[tuple[Place, Reading]]


def missed_readings(store: ReadingStore, newest: int | None, at_most: int, now: int) -> Iterator[Chunk]:
    """Stored readings since the rules' `newest` (UTC ms), in event time, at most `at_most` ms back from `now`.

    Raises ingest.store.StoreUnavailable.
    """
    earliest = now - at_most
    since = earliest if newest is None else max(earliest, newest - _OVERLAP_MS)
    stored = store.since(since)
    while chunk := [(one.place, one.reading) for one in islice(stored, _CHUNK)]:
        yield chunk
