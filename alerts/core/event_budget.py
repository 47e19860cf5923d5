"""How many alerts one gateway may cause: the others are held back until there is room; pure.

A box with valid credentials can report another fault with every reading. Each would be an alert, a
ticket and lines of the feed. Conditions are level-triggered, so one that is held back and still
holds is raised as soon as its gateway has room, and one that ended meanwhile is never raised.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from alerts.core.model import Decided
from alerts.core.record import Key, key_of
from desk.tickets.life_cycle import RANK
from wire.topics import GatewayPath
from wire.units import MINUTE_MS

BURST: Final = 120
"""Alerts that a gateway may cause at once: four for each of the 30 units of a usual village box."""

PER_MINUTE: Final = 12
"""Alerts that a gateway may cause in every minute after that."""

TOO_MANY: Final = "too_many_events"


class EventBudget:
    """The room that each gateway has left, and the alerts that wait for it."""

    def __init__(self) -> None:
        self._now = 0
        self._room: dict[GatewayPath, float] = {}
        self._filled_at: dict[GatewayPath, int] = {}
        self._held: dict[Key, tuple[GatewayPath, Decided]] = {}
        self._refused: Counter[GatewayPath] = Counter()
        self._counted = 0

    def at(self, now: int) -> None:
        """Note server time (UTC ms): with it comes room."""
        self._now = now

    def admitted(self, decided: Decided) -> bool:
        """Whether `decided` may be recorded now; one that may not is held back, or is void."""
        gateway = _gateway_of(decided)
        if gateway is None:
            return True
        key = key_of(decided.transition)
        if key in self._held:
            self._change_held(key, decided)
            return False
        if decided.transition.edge != "raise" or self._take_room(gateway):
            return True
        self._held[key] = gateway, decided
        self._refused[gateway] += 1
        self._counted += 1
        return False

    def due(self) -> list[Decided]:
        """The alerts held back for which there is room now, the most urgent first."""
        waiting = sorted(self._held.items(), key=lambda item: _urgency(item[1][1]))
        room = [(key, each) for key, (gateway, each) in waiting if self._take_room(gateway)]
        for key, _ in room:
            del self._held[key]
        return [decided for _, decided in room]

    def take_refused(self) -> dict[GatewayPath, int]:
        """How many alerts of each gateway wait, or were held back since the last call."""
        refused, self._refused = self._refused, Counter()
        waiting = Counter(gateway for gateway, _ in self._held.values())
        return dict(refused | waiting)

    def take_counted(self) -> Counter[str]:
        """How many alerts were held back since the last call, by the code of the reason."""
        counted, self._counted = self._counted, 0
        return Counter({TOO_MANY: counted}) if counted else Counter()

    def forget(self, keys: Iterable[Key]) -> None:
        """Let go of alerts held back: the rules raise them again."""
        for key in keys:
            self._held.pop(key, None)

    def _change_held(self, key: Key, decided: Decided) -> None:
        if decided.transition.edge == "clear":
            del self._held[key]
            return
        gateway, held = self._held[key]
        transition = replace(decided.transition, edge="raise", onset=held.transition.onset)
        self._held[key] = gateway, replace(decided, transition=transition)

    def _take_room(self, gateway: GatewayPath) -> bool:
        elapsed = max(0, self._now - self._filled_at.get(gateway, self._now))
        room = self._room.get(gateway, BURST) + elapsed * PER_MINUTE / MINUTE_MS
        self._filled_at[gateway] = self._now
        has_room = room >= 1
        self._room[gateway] = min(room, BURST) - (1 if has_room else 0)
        return has_room


def _gateway_of(decided: Decided) -> GatewayPath | None:
    """The gateway whose room an alert takes; None for one about a gateway, a village or more."""
    place = decided.location
    if decided.transition.subject_kind != "device" or place.gateway is None:
        return None
    return GatewayPath(place.district, place.town, place.village, place.gateway)


def _urgency(decided: Decided) -> tuple[int, int]:
    return RANK[decided.transition.priority], decided.transition.at
