"""Readings that the rules missed while the service was away (design §4.5)."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from ingest.store import ReadingStore
from wire.messages import Reading
from wire.topics import GatewayPath

_CHUNK: Final = 2_000

Chunk = list[tuple[GatewayPath, Reading]]


def missed_readings(
    store: ReadingStore, evaluated_upto: int | None, at_most: int, now: int
) -> Iterator[Chunk]:
    """Stored readings later than `evaluated_upto` (UTC ms), in event time.

    They reach at most `at_most` ms back from `now`. The rules ignore those they have seen already.
    Raises ingest.store.StoreUnavailable.
    """
    earliest = now - at_most
    since = earliest if evaluated_upto is None else max(earliest, evaluated_upto)
    stored = store.since(since)
    while chunk := [(entry.gateway, entry.reading) for entry in islice(stored, _CHUNK)]:
        yield chunk
