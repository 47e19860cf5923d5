"""Which gateway a device belongs to (contract §11 "Ownership").

A device belongs to the first gateway that announced it, until that gateway's birth no longer lists
it.
"""

from collections.abc import Iterable

from wire.topics import GatewayPath


class Ownership:
    """The owner of each device, from birth messages and readings. Pure state: no clock, no I/O."""

    def __init__(self) -> None:
        self._owner: dict[str, GatewayPath] = {}
        self._listed: dict[GatewayPath, frozenset[str]] = {}

    def announce(self, gateway: GatewayPath, devices: Iterable[str]) -> None:
        """Apply a birth: `gateway` claims exactly `devices` and releases all its other devices."""
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
        """Whether `gateway` owns `device`; a device without an owner goes to the first claimant."""
        return self._owner.setdefault(device, gateway) == gateway

    def owner(self, device: str) -> GatewayPath | None:
        """Return the gateway that owns `device`, or None."""
        return self._owner.get(device)

    def devices_of(self, gateway: GatewayPath) -> frozenset[str]:
        """Return the devices of the last birth of `gateway` that it owns."""
        return frozenset(d for d in self._listed.get(gateway, ()) if self._owner.get(d) == gateway)
