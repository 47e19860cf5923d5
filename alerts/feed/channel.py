"""A channel carries effects of the outbox to the outside: a bus, a robot, a mailbox."""

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel took the effect over.

    The effect is done once the receiver has confirmed every one of `receipts`; without receipts it
    is done at once.
    """

    receipts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """The channel cannot take the effect now; it stays due."""

    reason: str


@dataclass(frozen=True, slots=True)
class EffectRefused:
    """The channel will never take this effect; it is dropped and counted."""

    reason: str


class Channel(Protocol):
    """Sends one kind of effect."""

    def send(self, payload: dict[str, Any]) -> Sent | Retry | EffectRefused:
        """Hand over one effect; never waits for the receiver's confirmation."""
        ...
