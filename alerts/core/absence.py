"""Which devices no gateway announces any more, and since when (server time, UTC ms): pure."""

from collections.abc import Iterable
from typing import Final

from wire.units import DAY_MS

RETIRE_AFTER_MS: Final = DAY_MS
"""How long a device may be off every birth, and silent, before the rules let go of it: a day, so
that a unit that moves to another gateway, or a box that is set up anew, keeps its open alerts."""


class Absence:
    """Devices that were announced or heard, and are off every birth now."""

    def __init__(self) -> None:
        self._listed: set[str] = set()
        self._since: dict[str, int] = {}

    def announced(self, before: Iterable[str], devices: Iterable[str], now: int) -> None:
        """A birth lists `devices`; the gateway's birth before listed `before`."""
        gone = set(before).difference(devices)
        self._listed -= gone
        self._since |= dict.fromkeys(gone, now)
        for device in devices:
            self._listed.add(device)
            self._since.pop(device, None)

    def heard(self, device: str, now: int) -> None:
        """A reading of a device came; one that no birth lists is still there."""
        if device not in self._listed:
            self._since[device] = now

    def retire(self, now: int) -> list[str]:
        """The devices that have been away long enough; each is given once."""
        away = sorted(
            device for device, since in self._since.items() if now - since >= RETIRE_AFTER_MS
        )
        for device in away:
            del self._since[device]
        return away
