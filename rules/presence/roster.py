"""The gateways and devices that are expected, and when each was heard.

All times are server receive time, UTC ms.
"""

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
class RosterDevice:
    """A device below a gateway.

    `heard_at` is the time of its newest reading, or the begin of a grace; `alert` the onset of its
    open alert. `back`: it was heard since the alert. `listed`: its gateway's birth still lists it.
    """

    id: str
    heard_at: int
    alert: int | None = None
    back: bool = False
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Away:
    """A gateway that counts as gone: silent from `since`, noticed at `noticed_at`."""

    since: int
    noticed_at: int
    reason: AwayReason


@dataclass(slots=True, eq=False)
class RosterGateway:
    """A gateway and its devices; `heard_at`, `alert` and `back` as of a device.

    `will_at` is the time of its last will; `away` is why it counts as gone. Before `scan_at` none
    of its devices can change. `retired`: the desk has ended it.
    """

    gateway_path: GatewayPath
    interval_ms: int
    heard_at: int
    devices: dict[str, RosterDevice] = field(default_factory=dict)
    will_at: int | None = None
    away: Away | None = None
    alert: int | None = None
    back: bool = False
    scan_at: int = 0
    retired: bool = False

    def begin_grace(self, now: int) -> None:
        """Treat the gateway and all its devices as if they had been heard at `now`."""
        self.away, self.back = None, False
        self.heard_at = max(self.heard_at, now)
        self.scan_at = 0
        for device in self.devices.values():
            device.heard_at = max(device.heard_at, now)


@dataclass(slots=True)
class RosterVillage:
    """A village; `alert` is the onset of its open outage.

    An outage is suspected from `forming_at` on; `children` is the number of devices last reported.
    """

    key: VillageKey
    gateways: dict[GatewayPath, RosterGateway] = field(default_factory=dict)
    alert: int | None = None
    forming_at: int | None = None
    children: int = 0


class Roster:
    """The villages, gateways and devices known from births and messages.

    `adopted` are onsets of alerts raised before this roster began, by subjects not yet known.
    """

    def __init__(self) -> None:
        self.villages: dict[VillageKey, RosterVillage] = {}
        self.adopted: dict[Subject, int] = {}
        self._gateways: dict[GatewayPath, RosterGateway] = {}
        self._home: dict[str, RosterGateway] = {}

    def announce(
        self, gateway_path: GatewayPath, devices: Sequence[str], interval_ms: int, now: int
    ) -> None:
        """Take in a birth: `gateway_path` polls exactly `devices`, every `interval_ms`.

        A device that it no longer lists is free for others; a device of another gateway stays
        there.
        """
        gateway = self._speaking(gateway_path, interval_ms, now)
        for device in gateway.devices.values():
            # A box that just started has not polled yet.
            device.heard_at = max(device.heard_at, now)
        self._list(gateway, devices, now)

    def expect(
        self, gateway_path: GatewayPath, devices: Sequence[str], interval_ms: int, now: int
    ) -> None:
        """Expect exactly `devices` of a gateway that said nothing new: their owner has changed."""
        self._list(self.gateway(gateway_path, interval_ms, now), devices, now)

    def release(self, devices: Iterable[str]) -> None:
        """Free `devices` for other gateways."""
        for name in devices:
            gateway = self._home.pop(name, None)
            if gateway is not None:
                gateway.devices[name].listed = False
                gateway.scan_at = 0

    def _list(self, gateway: RosterGateway, devices: Sequence[str], now: int) -> None:
        listed = set(devices)
        for device in gateway.devices.values():
            device.listed = device.id in listed
            if not device.listed and self._home.get(device.id) is gateway:
                del self._home[device.id]
        for name in devices:
            if name not in self._home:
                held = gateway.devices.get(name)
                self.place_device(
                    gateway,
                    held or RosterDevice(name, now, self.adopted.pop(("device", "", name), None)),
                )
        gateway.scan_at = 0

    def place_device(self, gateway: RosterGateway, device: RosterDevice) -> None:
        """Put `device` below `gateway`, which owns it if it is still listed."""
        if device.listed:
            self._home[device.id] = gateway
        gateway.devices[device.id] = device

    def heard(
        self, gateway_path: GatewayPath, devices: Iterable[str], interval_ms: int, now: int
    ) -> None:
        """A message of `gateway_path` came with readings of `devices`.

        A device that no birth lists is not expected, and is ignored.
        """
        gateway = self._speaking(gateway_path, interval_ms, now)
        for name in devices:
            device = gateway.devices.get(name)
            if device is not None:
                device.heard_at = now
                if device.alert is not None:
                    device.back = True
                    gateway.scan_at = 0

    def last_will(self, gateway_path: GatewayPath, now: int) -> None:
        """The broker published the last will of `gateway_path`."""
        self.gateway(gateway_path, 0, now).will_at = now

    def _speaking(self, gateway_path: GatewayPath, interval_ms: int, now: int) -> RosterGateway:
        gateway = self.gateway(gateway_path, interval_ms, now)
        gateway.heard_at = now
        gateway.will_at = None
        gateway.back = gateway.away is not None
        if gateway.interval_ms != interval_ms:
            gateway.interval_ms = interval_ms
            gateway.scan_at = 0
        return gateway

    def gateway(self, gateway_path: GatewayPath, interval_ms: int, now: int) -> RosterGateway:
        """The gateway at `gateway_path`; a new one counts as heard at `now`."""
        gateway = self._gateways.get(gateway_path)
        if gateway is None:
            gateway = self._gateways[gateway_path] = RosterGateway(gateway_path, interval_ms, now)
            key = (gateway_path.district, gateway_path.town, gateway_path.village)
            self.village(key).gateways[gateway_path] = gateway
            self._take_back(gateway, now)
        return gateway

    def _take_back(self, gateway: RosterGateway, now: int) -> None:
        onset = self.adopted.pop(_gateway_subject(gateway), None)
        if onset is not None:
            gateway.alert = onset
            gateway.away = Away(onset, now, "silent")

    def village(self, key: VillageKey) -> RosterVillage:
        """The village `key`, made if it is unknown."""
        village = self.villages.get(key)
        if village is None:
            village = self.villages[key] = RosterVillage(
                key, alert=self.adopted.pop(_village_subject(key), None)
            )
        return village

    def gateways(self) -> Iterable[RosterGateway]:
        """All gateways."""
        return self._gateways.values()

    def retire(self, gateway_path: GatewayPath, now: int) -> None:
        """Mark a gateway as ended, and free its devices; one that nobody knows stays unknown."""
        if gateway_path in self._gateways or _path_subject(gateway_path) in self.adopted:
            gateway = self.gateway(gateway_path, 0, now)
            gateway.retired = True
            here = [name for name in gateway.devices if self._home.get(name) is gateway]
            self.release(here)
            del self._gateways[gateway_path]

    def begin_anew(self, now: int) -> None:
        """After a time in which nobody could be heard: drop conclusions that are not reported yet.

        Last wills count from `now`.
        """
        for village in self.villages.values():
            village.forming_at = None
            for gateway in village.gateways.values():
                if gateway.alert is None and village.alert is None:
                    gateway.away = None
                if gateway.will_at is not None:
                    gateway.will_at = now

    def shift(self, step_ms: int) -> None:
        """The server's clock was set forward by `step_ms`: move all times but those of alerts."""
        for village in self.villages.values():
            village.forming_at = _moved(village.forming_at, step_ms)
        for gateway in self._gateways.values():
            gateway.heard_at += step_ms
            gateway.will_at = _moved(gateway.will_at, step_ms)
            gateway.scan_at = 0
            if gateway.away is not None:
                away = gateway.away
                gateway.away = Away(away.since + step_ms, away.noticed_at + step_ms, away.reason)
            for device in gateway.devices.values():
                device.heard_at += step_ms

    def adopt(self, subject: Subject, onset: int, now: int) -> None:
        """Hold open an alert raised before this roster began; its subject may be unknown yet."""
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

    def disown(self, subject: str, realm: str) -> None:
        """Let go of the alert of a subject, at whatever level it is."""
        if subject in self._home and not realm:
            self._home[subject].devices[subject].alert = None
        for gateway in self._gateways.values():
            if _gateway_subject(gateway)[1:] == (realm, subject):
                gateway.alert = None
        for village in self.villages.values():
            if _village_subject(village.key)[1:] == (realm, subject):
                village.alert = None


def _moved(time: int | None, step_ms: int) -> int | None:
    return None if time is None else time + step_ms


def village_realm(key: VillageKey) -> str:
    """The path within which the id of the village `key` is unique."""
    return realm_of("village", GatewayPath(*key, gateway=""))


def _village_subject(key: VillageKey) -> Subject:
    return "village", village_realm(key), key[2]


def _gateway_subject(gateway: RosterGateway) -> Subject:
    return _path_subject(gateway.gateway_path)


def _path_subject(path: GatewayPath) -> Subject:
    return "gateway", realm_of("gateway", path), path.gateway
