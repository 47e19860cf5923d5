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

STRANGERS_A_MINUTE: Final = 200
"""Lines of refusals for all senders that are not logged in: addresses cost them little."""


@dataclass(slots=True)
class _Minute:
    begun: int
    written: int = 0
    unwritten: int = 0

    def has_room(self, now: int, most: int) -> bool:
        """Whether fewer than `most` lines are written in the minute that `now` belongs to."""
        if now - self.begun >= MINUTE_MS:
            self.begun, self.written = now, 0
        return self.written < most


class RefusalTally:
    """Decides which refusals of a sender are written one by one, and counts the others."""

    def __init__(self) -> None:
        self._minutes: OrderedDict[str, _Minute] = OrderedDict()
        self._strangers = _Minute(0)
        self._lock = threading.Lock()

    def count(self, sender: str, now: int, *, is_known: bool = True) -> int | None:
        """Count a refusal (UTC ms); None: do not write it, else how many before it were not.

        A sender is known who is logged in.
        """
        with self._lock:
            minute = self._minutes.setdefault(sender, _Minute(now))
            self._minutes.move_to_end(sender)
            _trim(self._minutes)
            bounds = [(minute, REFUSALS_A_MINUTE)]
            if not is_known:
                bounds.append((self._strangers, STRANGERS_A_MINUTE))
            if not all(each.has_room(now, most) for each, most in bounds):
                minute.unwritten += 1
                return None
            for each, _ in bounds:
                each.written += 1
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
