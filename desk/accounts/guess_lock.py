"""The lock against guessing of passwords."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from wire.units import DAY_MS, HOUR_MS, MINUTE_MS

_Key = tuple[str, ...]


@dataclass(slots=True)
class _Tries:
    """Failures in the window, the end of the lock, and how often it closed; times UTC ms."""

    failures: list[int] = field(default_factory=list)
    until: int = 0
    locks: int = 0


class GuessLock:
    """Stops guessing of passwords, and keeps nobody out who logs in from where he always does.

    Five failures of a name from one address lock that pair for five minutes, then for twice as
    long, up to an hour. Failures of a name from addresses that never logged in with it count
    together, and those of an address with any names: who tries many gets no more tries. That is at
    most 100 tries an hour on one account from strangers (ASVS 2.2.1 of version 4). Unknown names
    count too, so the lock does not reveal which names exist. A try counts before the password is
    looked at, so that parallel tries cannot pass. Kept in memory, for the `_MOST` newest.
    """

    FAILURES: Final = 5
    LOCK_MS: Final = 5 * MINUTE_MS
    LONGEST_LOCK_MS: Final = HOUR_MS
    _FROM_STRANGERS: Final = 20
    _FROM_AN_ADDRESS: Final = 50
    _MOST: Final = 10_000

    def __init__(self) -> None:
        self._tries: OrderedDict[_Key, _Tries] = OrderedDict()
        self._at_home: OrderedDict[_Key, None] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, name: str, address: str, now: int) -> int:
        """Count a try; return the milliseconds until one is allowed, 0 if this one is."""
        with self._lock:
            limits = self._limits(name, address)
            wait = max(self._locked_for(key, now) for key in limits)
            if wait == 0:
                for key, most in limits.items():
                    self._count(key, most, now)
            return wait

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of `name` from `address`, and remember that it logs in there."""
        with self._lock:
            for key in self._limits(name, address):
                self._tries.pop(key, None)
            self._at_home[name, address] = None
            _trim(self._at_home, self._MOST)

    def _limits(self, name: str, address: str) -> dict[_Key, int]:
        limits: dict[_Key, int] = {
            ("pair", name, address): self.FAILURES,
            ("address", address): self._FROM_AN_ADDRESS,
        }
        if (name, address) not in self._at_home:
            limits["name", name] = self._FROM_STRANGERS
        return limits

    def _locked_for(self, key: _Key, now: int) -> int:
        tries = self._tries.get(key)
        return 0 if tries is None else max(0, tries.until - now)

    def _count(self, key: _Key, most: int, now: int) -> None:
        tries = self._tries.setdefault(key, _Tries())
        self._tries.move_to_end(key)
        _trim(self._tries, self._MOST)
        if now - tries.until > DAY_MS:
            tries.locks = 0
        tries.failures = [at for at in tries.failures if at > now - self.LOCK_MS] + [now]
        if len(tries.failures) >= most:
            lasts = min(self.LOCK_MS * 2**tries.locks, self.LONGEST_LOCK_MS)
            tries.failures, tries.until, tries.locks = [], now + lasts, tries.locks + 1


def _trim(kept: OrderedDict[_Key, _Tries] | OrderedDict[_Key, None], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
