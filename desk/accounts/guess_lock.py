"""The lock against guessing of passwords."""

from collections import OrderedDict
from typing import Final

from wire.units import MINUTE_MS


class GuessLock:
    """Stops guessing of passwords: five failures lock a name for five minutes.

    That is at most 60 tries an hour on one account; ASVS 2.2.1 asks for at most 100. Unknown names
    count too, so the lock does not reveal which names exist. Kept in memory, for the `_MOST_NAMES`
    that failed last.
    """

    FAILURES: Final = 5
    LOCK_MS: Final = 5 * MINUTE_MS
    _MOST_NAMES: Final = 10_000

    def __init__(self) -> None:
        self._failures: OrderedDict[str, list[int]] = OrderedDict()

    def locked_for(self, name: str, now: int) -> int:
        """Milliseconds until `name` may be tried again; 0 if now."""
        recent = self._recent(name, now)
        return 0 if len(recent) < self.FAILURES else recent[-1] + self.LOCK_MS - now

    def failed(self, name: str, now: int) -> None:
        """Take note of a failed try."""
        self._failures[name] = [*self._recent(name, now), now][-self.FAILURES :]
        self._failures.move_to_end(name)
        if len(self._failures) > self._MOST_NAMES:
            self._failures.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """Forget the failures of `name`."""
        self._failures.pop(name, None)

    def _recent(self, name: str, now: int) -> list[int]:
        return [at for at in self._failures.get(name, []) if at > now - self.LOCK_MS]
