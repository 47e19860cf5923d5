"""Alerts raised from old readings, held until their condition holds on the newest data; pure.

Late readings dispatch a crew only for a fault that is still there (design §4.7).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from alerts.core.record import AlertRecord
from wire.units import MINUTE_MS

# An older reading is history, or comes from a clock that is behind; the contract allows a clock to
# be ahead by as much (design §4 "Clocks").
LIVE_WITHIN_MS: Final = 5 * MINUTE_MS
# How long a device is watched to distinguish history being caught up from a clock that is behind.
WATCH_MS: Final = MINUTE_MS
# History arrives several times faster than time passes; live data keeps pace with it.
_CATCH_UP_PACE: Final = 2


@dataclass(frozen=True, slots=True)
class Watched:
    """A device with a held alert: its newest event time when last checked, and when (UTC ms)."""

    newest: int
    checked_at: int


def is_live(at: int, now: int) -> bool:
    """Whether an event at `at` is recent enough, seen at `now`, to be acted on at once."""
    return now - at <= LIVE_WITHIN_MS


def check(watched: Watched, newest: int, now: int) -> Watched | None:
    """The watch on a device whose newest reading is now `newest`; None once it is live.

    It is live when its newest reading is recent, or when its event time advanced no faster than the
    wall clock while it was watched: its clock is behind, or the gateway has sent all it had.
    """
    if is_live(newest, now):
        return None
    waited = now - watched.checked_at
    if waited < WATCH_MS:
        return watched
    if newest - watched.newest > _CATCH_UP_PACE * waited:
        return replace(watched, newest=newest, checked_at=now)
    return None


class HeldAlerts:
    """Active alerts that nobody was notified of because their data was old."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[AlertRecord, Watched]] = {}

    def update(self, records: Iterable[AlertRecord], now: int) -> None:
        """Hold those of `records` that are active and not announced; let go of the others."""
        for record in records:
            if record.state == "active" and record.announced_at is None:
                self._held.setdefault(record.id, (record, Watched(record.onset, now)))
            else:
                self._held.pop(record.id, None)

    def due(self, newest: Mapping[str, int], now: int) -> list[AlertRecord]:
        """Held alerts whose condition holds on the newest data; each is given once.

        `newest` is the newest event time of each device.
        """
        due: list[AlertRecord] = []
        for alert, (record, watched) in list(self._held.items()):
            still = check(watched, newest.get(record.subject, record.onset), now)
            if still is None:
                due.append(self._held.pop(alert)[0])
            else:
                self._held[alert] = (record, still)
        return due

    def __bool__(self) -> bool:
        return bool(self._held)
