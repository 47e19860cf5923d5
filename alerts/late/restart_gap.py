"""What the rules missed while the service was away, read from the reading store (design §4.5)."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from ingest.store import ReadingStore
from wire.messages import Reading
from wire.topics import GatewayPath

_CHUNK: Final = 2_000

Chunk = list[tuple[GatewayPath, Reading]]


def missed_readings(
    store: ReadingStore, judged_upto: int | None, at_most: int, now: int
) -> Iterator[Chunk]:
    """Stored readings later than `judged_upto` (UTC ms), in event time, at most `at_most` ms back
    from `now`.

    What the rules have seen already they ignore.

    Raises ingest.store.StoreUnavailable.
    """
    earliest = now - at_most
    since = earliest if judged_upto is None else max(earliest, judged_upto)
    stored = store.since(since)
    while chunk := [(one.gateway, one.reading) for one in islice(stored, _CHUNK)]:
        yield chunk
