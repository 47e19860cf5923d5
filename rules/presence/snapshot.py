"""A roster as plain arrays of numbers and texts, and back."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from rules.presence.roster import (
    Away,
    AwayReason,
    Roster,
    RosterDevice,
    RosterGateway,
    RosterVillage,
)
from wire.topics import GatewayPath

_NONE: Final = -1
"""None in an int64 array; times are never negative."""

_REASONS: Final[tuple[AwayReason, ...]] = ("silent", "last_will")


def pack(roster: Roster) -> dict[str, np.ndarray]:
    """The roster as arrays by name, without adopted alerts: a start adopts those anew."""
    gateways, villages = list(roster.gateways()), list(roster.villages.values())
    devices = [
        (row, device) for row, gateway in enumerate(gateways) for device in gateway.devices.values()
    ]
    paths = [
        (path.district, path.town, path.village, path.gateway)
        for path in (gateway.gateway_path for gateway in gateways)
    ]
    return {
        "gateway": np.array(paths, np.str_).reshape(-1, 4),
        "gateway_numbers": _numbers([_gateway_numbers(gateway) for gateway in gateways], 8),
        "device": np.array([device.id for _, device in devices], np.str_),
        "device_numbers": _numbers([(row, *_device_numbers(device)) for row, device in devices], 5),
        "village": np.array([village.key for village in villages], np.str_).reshape(-1, 3),
        "village_numbers": _numbers([_village_numbers(village) for village in villages], 3),
    }


def unpack(saved: Mapping[str, np.ndarray]) -> Roster:
    """The roster that `pack` packed; raises KeyError or ValueError for any other arrays."""
    roster = Roster()
    gateways = [
        _gateway(roster, *row)
        for row in zip(saved["gateway"].tolist(), _rows(saved, "gateway"), strict=True)
    ]
    for name, (row, heard_at, alert, *flags) in zip(
        saved["device"].tolist(), _rows(saved, "device"), strict=True
    ):
        back, listed = map(bool, flags)
        roster.place_device(
            gateways[row], RosterDevice(name, heard_at, _optional(alert), back, listed)
        )
    for key, (alert, forming_at, children) in zip(
        saved["village"].tolist(), _rows(saved, "village"), strict=True
    ):
        district, town, name = key
        village = roster.village((district, town, name))
        village.alert, village.children = _optional(alert), children
        village.forming_at = _optional(forming_at)
    return roster


def _gateway_numbers(gateway: RosterGateway) -> tuple[int, ...]:
    away = gateway.away
    gone = (
        (_NONE, _NONE, _NONE)
        if away is None
        else (away.since, away.noticed_at, _REASONS.index(away.reason))
    )
    alert, will_at = _or_none(gateway.alert), _or_none(gateway.will_at)
    return (gateway.interval_ms, gateway.heard_at, will_at, *gone, alert, int(gateway.back))


def _village_numbers(village: RosterVillage) -> tuple[int, ...]:
    return _or_none(village.alert), _or_none(village.forming_at), village.children


def _device_numbers(device: RosterDevice) -> tuple[int, ...]:
    return device.heard_at, _or_none(device.alert), int(device.back), int(device.listed)


def _gateway(roster: Roster, path: Sequence[str], numbers: Sequence[int]) -> RosterGateway:
    interval_ms, heard_at, will_at, since, noticed_at, reason, alert, back = numbers
    gateway = roster.gateway(GatewayPath(*path), interval_ms, heard_at)
    gateway.will_at = _optional(will_at)
    gateway.away = None if since == _NONE else Away(since, noticed_at, _REASONS[reason])
    gateway.alert = _optional(alert)
    gateway.back = bool(back)
    return gateway


def _numbers(rows: Sequence[Sequence[int]], width: int) -> np.ndarray:
    return np.array(rows, np.int64).reshape(-1, width)


def _rows(saved: Mapping[str, np.ndarray], name: str) -> list[list[int]]:
    rows: list[list[int]] = saved[f"{name}_numbers"].tolist()
    return rows


def _or_none(value: int | None) -> int:
    return _NONE if value is None else value


def _optional(number: int) -> int | None:
    return None if number == _NONE else number
