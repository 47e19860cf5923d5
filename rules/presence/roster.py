"""The gateways and devices that are expected, and when each was heard (server receive time, UTC
ms)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rules.transitions.transition import SubjectKind, realm_of
from wire.topics import GatewayPath

AwayReason = Literal["silent", "last_will"]
VillageKey = tuple[str, str, str]
Subject = tuple[SubjectKind, str, str]
"""Kind, realm and id of whom an alert is about."""


@dataclass(slots=True)
class Device:
    """`heard_at` is the newest reading, or the beginning of a fresh grace; `alert` the onset of its
    open alert.

    `back` says that it was heard since the alert, `listed` that its gateway's birth still lists it.
    """

    id: str
    heard_at: int
    alert: int | None = None
    back: bool = False
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Away:
    """A gateway judged gone: last heard at `since`, noticed at `judged_at`."""

    since: int
    judged_at: int
    reason: AwayReason


@dataclass(slots=True, eq=False)
class Gateway:
    """As Device; `will_at` is when its last will came, `scan_at` when its devices need judging next
    at the earliest."""

    place: GatewayPath
    interval_ms: int
    heard_at: int
    devices: dict[str, Device] = field(default_factory=dict)
    will_at: int | None = None
    away: Away | None = None
    alert: int | None = None
    back: bool = False
    scan_at: int = 0


@dataclass(slots=True)
class Village:
    """`forming_at` is when an outage was first suspected, `children` the last count that was
    told."""

    key: VillageKey
    gateways: dict[GatewayPath, Gateway] = field(default_factory=dict)
    alert: int | None = None
    forming_at: int | None = None
    children: int = 0


class Roster:
    """The villages, gateways and devices known from births and messages.

    `adopted` holds alerts raised before this roster began whose subject is not known yet, by
    subject, with onset.
    """

    def __init__(self) -> None:
        self.villages: dict[VillageKey, Village] = {}
        self.adopted: dict[Subject, int] = {}
        self._gateways: dict[GatewayPath, Gateway] = {}
        self._home: dict[str, Gateway] = {}

    def announce(
        self, place: GatewayPath, devices: Sequence[str], interval_ms: int, now: int
    ) -> None:
        """Take in a birth. What it no longer lists is free for others; what belongs to another
        gateway stays there."""
        gateway = self._speaking(place, interval_ms, now)
        listed = set(devices)
        for device in gateway.devices.values():
            # A box that just started has not polled yet.
            device.heard_at = max(device.heard_at, now)
            device.listed = device.id in listed
            if not device.listed and self._home.get(device.id) is gateway:
                del self._home[device.id]
        for name in devices:
            if name not in self._home:
                held = gateway.devices.get(name)
                self.place_device(
                    gateway, held or Device(name, now, self.adopted.pop(("device", "", name), None))
                )
        gateway.scan_at = 0

    def place_device(self, gateway: Gateway, device: Device) -> None:
        """`device` is polled by `gateway`, and belongs to it if it is still listed."""
        if device.listed:
            self._home[device.id] = gateway
        gateway.devices[device.id] = device

    def heard(self, place: GatewayPath, devices: Iterable[str], interval_ms: int, now: int) -> None:
        """A message of `place` came with readings of `devices`; one that no birth lists is not
        waited for."""
        gateway = self._speaking(place, interval_ms, now)
        for name in devices:
            device = gateway.devices.get(name)
            if device is not None:
                device.heard_at = now
                if device.alert is not None:
                    device.back = True
                    gateway.scan_at = 0

    def last_will(self, place: GatewayPath, now: int) -> None:
        """The broker says that `place` is gone."""
        self.gateway(place, 0, now).will_at = now

    def _speaking(self, place: GatewayPath, interval_ms: int, now: int) -> Gateway:
        gateway = self.gateway(place, interval_ms, now)
        gateway.heard_at = now
        gateway.will_at = None
        gateway.back = gateway.away is not None
        if gateway.interval_ms != interval_ms:
            gateway.interval_ms = interval_ms
            gateway.scan_at = 0
        return gateway

    def gateway(self, place: GatewayPath, interval_ms: int, now: int) -> Gateway:
        """The gateway at `place`; a new one counts as heard `now`."""
        gateway = self._gateways.get(place)
        if gateway is None:
            gateway = self._gateways[place] = Gateway(place, interval_ms, now)
            key = (place.district, place.town, place.village)
            self.village(key).gateways[place] = gateway
            self._take_back(gateway, now)
        return gateway

    def _take_back(self, gateway: Gateway, now: int) -> None:
        onset = self.adopted.pop(_gateway_subject(gateway), None)
        if onset is not None:
            gateway.alert = onset
            gateway.away = Away(onset, now, "silent")

    def village(self, key: VillageKey) -> Village:
        """The village `key`, new if it was unknown."""
        village = self.villages.get(key)
        if village is None:
            village = self.villages[key] = Village(
                key, alert=self.adopted.pop(_village_subject(key), None)
            )
        return village

    def gateways(self) -> Iterable[Gateway]:
        """All of them."""
        return self._gateways.values()

    def judge_anew(self, now: int) -> None:
        """After a time without hearing anybody: forget what was concluded but not told yet; last
        wills wait anew."""
        for village in self.villages.values():
            village.forming_at = None
            for gateway in village.gateways.values():
                if gateway.alert is None and village.alert is None:
                    gateway.away = None
                if gateway.will_at is not None:
                    gateway.will_at = now

    def shift(self, step_ms: int) -> None:
        """The server's clock was set forward (or back, below 0): move what counts against it, but
        no open alert."""
        for village in self.villages.values():
            village.forming_at = _moved(village.forming_at, step_ms)
        for gateway in self._gateways.values():
            gateway.heard_at += step_ms
            gateway.will_at = _moved(gateway.will_at, step_ms)
            gateway.scan_at = 0
            if gateway.away is not None:
                away = gateway.away
                gateway.away = Away(away.since + step_ms, away.judged_at + step_ms, away.reason)
            for device in gateway.devices.values():
                device.heard_at += step_ms

    def adopt(self, subject: Subject, onset: int, now: int) -> None:
        """Hold an alert open that was raised before this roster began, even if its subject is yet
        to come."""
        self.adopted[subject] = onset
        kind, _, name = subject
        if kind == "device" and name in self._home:
            self._home[name].devices[name].alert = self.adopted.pop(subject)
        for gateway in self._gateways.values() if kind == "gateway" else ():
            if _gateway_subject(gateway) == subject:
                self._take_back(gateway, now)
        for village in self.villages.values() if kind == "village" else ():
            if _village_subject(village.key) == subject:
                village.alert = self.adopted.pop(subject, onset)


def _moved(time: int | None, step_ms: int) -> int | None:
    return None if time is None else time + step_ms


def village_realm(key: VillageKey) -> str:
    """What the id of the village `key` is unique in."""
    return realm_of("village", GatewayPath(*key, gateway=""))


def _village_subject(key: VillageKey) -> Subject:
    return "village", village_realm(key), key[2]


def _gateway_subject(gateway: Gateway) -> Subject:
    return "gateway", realm_of("gateway", gateway.place), gateway.place.gateway
