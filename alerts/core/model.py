"""What goes into the core and what comes out of it: plain values, no behaviour."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from alerts.core.record import AlertRecord
from desk.ledger.known import LastHeard
from rules.transitions.transition import Transition
from wire.location import Location
from wire.messages import AnnouncedDevice, Status
from wire.topics import GatewayPath

Span = tuple[int, int]
"""First and last event time (UTC ms)."""


@dataclass(frozen=True, slots=True)
class BusMessage:
    """A message of a gateway as the broker delivered it."""

    topic: str
    payload: bytes
    retained: bool = False


@dataclass(frozen=True, slots=True)
class GatewayBirth:
    """A gateway announced itself; `owned` are those of its devices that belong to it."""

    gateway: GatewayPath
    status: Status
    owned: Sequence[AnnouncedDevice]


@dataclass(frozen=True, slots=True)
class GatewayDevices:
    """The devices of a gateway's last birth that belong to it now; their owners have changed."""

    gateway: GatewayPath
    owned: Sequence[AnnouncedDevice]


@dataclass(frozen=True, slots=True)
class GatewayDeath:
    """The broker published a gateway's last will."""

    gateway: GatewayPath


GatewayChange = GatewayBirth | GatewayDevices | GatewayDeath


@dataclass(frozen=True, slots=True)
class Decided:
    """A transition, and where its subject stands.

    `live` is False for a transition of the past (design §4.7): the alert is announced only once its
    condition is known to hold on the newest data.
    """

    transition: Transition
    location: Location
    live: bool = True


@dataclass(frozen=True, slots=True)
class Unevaluated:
    """A reading that a rule failed at, or a part of the tick that failed, and how."""

    rule: str
    device: str
    error: Exception
    step: str = "evaluate"


_WRITTEN: Final = ("statuses", "heard", "late", "decided", "due")


@dataclass(frozen=True, slots=True)
class Round:
    """All that one transaction is to write at server time `now` (UTC ms).

    `due` are held alerts to announce now. `heard`, at the `gateways` of its devices, updates the
    registry; `late` holds where readings came that were not the newest of their device. A `timed`
    round also looks at deadlines and shelves. `rejected` counts bad input by code, `unplaced` names
    subjects of transitions that no gateway has announced, and `unevaluated` holds readings that a
    rule failed at; none of these is written.
    """

    now: int
    readings: int = 0
    statuses: Sequence[GatewayChange] = ()
    decided: Sequence[Decided] = ()
    due: Sequence[AlertRecord] = ()
    heard: Mapping[str, LastHeard] = field(default_factory=dict)
    gateways: Mapping[str, GatewayPath] = field(default_factory=dict)
    late: Mapping[str, Span] = field(default_factory=dict)
    timed: bool = False
    rejected: Counter[str] = field(default_factory=Counter)
    unplaced: Sequence[str] = ()
    unevaluated: Sequence[Unevaluated] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return self.size == 0

    @property
    def size(self) -> int:
        """How many changes can be written apart; the look at deadlines and shelves is the last."""
        return sum(len(getattr(self, name)) for name in _WRITTEN) + int(self.timed)

    def halves(self) -> tuple["Round", "Round"]:
        """The changes of this round as two rounds, to be written one after the other."""
        room = self.size // 2
        first: dict[str, Any] = {}
        second: dict[str, Any] = {}
        for name in _WRITTEN:
            first[name], second[name] = _split(getattr(self, name), room)
            room -= len(first[name])
        return replace(self, **first, timed=False), replace(self, **second)

    def described(self) -> str:
        """What a round of one change holds, for the log."""
        names = [name for name in _WRITTEN if getattr(self, name)] or ["timed"]
        return f"{names[0]}: {getattr(self, names[0])!r}"


def _split(changes: Any, at: int) -> tuple[Any, Any]:
    if isinstance(changes, Mapping):
        items = list(changes.items())
        return dict(items[:at]), dict(items[at:])
    return changes[:at], changes[at:]
