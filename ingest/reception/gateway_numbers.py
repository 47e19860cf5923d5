"""The message numbers of one gateway, by epoch, and fingerprints of its newest messages. Pure."""

from array import array
from typing import Final, Literal

from wire.intervals import Intervals

# Enough to compare a repeated message with the first one while both may be under way.
_FINGERPRINTS: Final = 64

Standing = Literal["current", "unseen", "stale"]
"""An epoch beside the gateway's current one: the same, never received before, or a former one."""


class GatewayNumbers:
    """Received numbers by epoch; `current` is the epoch of the last birth or newest readings."""

    def __init__(self) -> None:
        self.current: str | None = None
        self.received: dict[str, Intervals] = {}
        self._fingerprints = _Fingerprints()

    def has(self, epoch: str, seq: int) -> bool:
        """Whether message `seq` of `epoch` was received."""
        numbers = self.received.get(epoch)
        return numbers is not None and seq in numbers

    def standing(self, epoch: str) -> Standing:
        """Return the standing of `epoch`; the first epoch of a gateway is its current one."""
        if self.current is None or epoch == self.current:
            return "current"
        return "stale" if epoch in self.received else "unseen"

    def remember(self, epoch: str, seq: int, fingerprint: int) -> None:
        """Keep the fingerprint of a received message until 64 newer ones have come."""
        self._fingerprints.keep(hash((epoch, seq)), fingerprint)

    def fingerprint(self, epoch: str, seq: int) -> int | None:
        """Return the fingerprint of a recent message, or None."""
        return self._fingerprints.find(hash((epoch, seq)))


class _Fingerprints:
    """A ring of fingerprints: 1 kB of bare numbers for each gateway; a dict would take 20 kB."""

    def __init__(self) -> None:
        self._messages = array("q")
        self._fingerprints = array("q")
        self._oldest = 0

    def keep(self, message: int, fingerprint: int) -> None:
        """Add a fingerprint; a full ring overwrites its oldest. Both arguments are hashes."""
        if len(self._messages) < _FINGERPRINTS:
            self._messages.append(message)
            self._fingerprints.append(fingerprint)
            return
        self._messages[self._oldest] = message
        self._fingerprints[self._oldest] = fingerprint
        self._oldest = (self._oldest + 1) % _FINGERPRINTS

    def find(self, message: int) -> int | None:
        """Return the fingerprint of `message`, or None."""
        if message not in self._messages:
            return None
        return self._fingerprints[self._messages.index(message)]
