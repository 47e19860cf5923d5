"""Which gateway a device belongs to (contract §11 "Ownership").

A device belongs to the first gateway that announced it, until that gateway's birth no longer lists
it.
"""

from collections.abc import Iterable

from wire.topics import GatewayPath


class Ownership:
    """The device register built from birth messages; pure state, no clock and no I/O."""

    def __init__(self) -> None:
        self._owner: dict[str, GatewayPath] = {}
        self._listed: dict[GatewayPath, frozenset[str]] = {}

    def announce(self, gateway: GatewayPath, devices: Iterable[str]) -> None:
        """Take over a birth: `gateway` claims exactly `devices`; what it no longer lists is free
        again."""
        listed = frozenset(devices)
        for device in self._listed.get(gateway, frozenset()) - listed:
            self._release(device, gateway)
        self._listed[gateway] = listed
        for device in listed:
            self._owner.setdefault(device, gateway)

    def _release(self, device: str, gateway: GatewayPath) -> None:
        if self._owner.get(device) != gateway:
            return
        del self._owner[device]
        for claimant, listed in self._listed.items():
            if claimant != gateway and device in listed:
                self._owner[device] = claimant
                return

    def claim(self, device: str, gateway: GatewayPath) -> bool:
        """Whether `gateway` may speak for `device`; an unannounced device goes to who speaks
        first."""
        return self._owner.setdefault(device, gateway) == gateway

    def owner(self, device: str) -> GatewayPath | None:
        """The gateway `device` belongs to, or None if nobody has announced it."""
        return self._owner.get(device)

    def devices_of(self, gateway: GatewayPath) -> frozenset[str]:
        """The devices of `gateway`'s last birth that belong to it."""
        return frozenset(d for d in self._listed.get(gateway, ()) if self._owner.get(d) == gateway)
