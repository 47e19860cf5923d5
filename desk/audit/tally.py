"""What need not be written each time: refusals by the hundred, and the same page read again.

Decisions only, with the clock passed in; kept in memory, for the `MOST` newest.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Final

from wire.units import HOUR_MS, MINUTE_MS

MOST: Final = 100_000
REFUSALS_A_MINUTE: Final = 20
"""Lines of refusals for one sender and minute; a scanner must not fill the disk."""


@dataclass(slots=True)
class _Minute:
    begun: int
    written: int = 0
    unwritten: int = 0


class RefusalTally:
    """Decides which refusals of a sender are written one by one, and counts the others."""

    def __init__(self) -> None:
        self._minutes: OrderedDict[str, _Minute] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, sender: str, now: int) -> int | None:
        """Count a refusal (UTC ms); None: do not write it, else how many before it were not."""
        with self._lock:
            minute = self._minutes.setdefault(sender, _Minute(now))
            self._minutes.move_to_end(sender)
            _trim(self._minutes)
            if now - minute.begun >= MINUTE_MS:
                minute.begun, minute.written = now, 0
            if minute.written >= REFUSALS_A_MINUTE:
                minute.unwritten += 1
                return None
            minute.written += 1
            unwritten, minute.unwritten = minute.unwritten, 0
            return unwritten


class ReadingTally:
    """Decides which readings of personal data are new: once an hour for each reader and thing."""

    AGAIN_MS: Final = HOUR_MS

    def __init__(self) -> None:
        self._read: OrderedDict[Hashable, int] = OrderedDict()
        self._lock = threading.Lock()

    def new(self, reader: str, things: Iterable[str], now: int) -> list[str]:
        """Return those of `things` that `reader` has not read for an hour, and note them."""
        with self._lock:
            found = [thing for thing in things if self._is_due((reader, thing), now)]
            for thing in found:
                self._read[reader, thing] = now
                self._read.move_to_end((reader, thing))
            _trim(self._read)
            return found

    def forget(self, reader: str, things: Iterable[str]) -> None:
        """Take back a note that could not be written."""
        with self._lock:
            for thing in things:
                self._read.pop((reader, thing), None)

    def _is_due(self, key: Hashable, now: int) -> bool:
        at = self._read.get(key)
        return at is None or now - at >= self.AGAIN_MS


def _trim(kept: OrderedDict[str, _Minute] | OrderedDict[Hashable, int]) -> None:
    while len(kept) > MOST:
        kept.popitem(last=False)
