"""The devices that a parent's open alert hides, read from the roster of a Presence."""

from rules.presence.presence import Presence


def hidden_devices(presence: Presence) -> dict[str, str]:
    """Each hidden device with the id of the gateway or village that hides it."""
    hidden: dict[str, str] = {}
    for village in presence._roster.villages.values():
        if village.alert is not None:
            for gateway in presence._silence.hidden_gateways(village):
                hidden |= dict.fromkeys(gateway.devices, village.key[2])
        for gateway in village.gateways.values():
            if gateway.alert is not None:
                hidden |= dict.fromkeys(gateway.devices, gateway.gateway_path.gateway)
    return hidden
