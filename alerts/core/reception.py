"""What the bus delivers, sorted: readings to evaluate, gateways that come and go; pure.

Bad input is counted by its code (reliability §3), never fatal.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from alerts.core.absence import Absence
from alerts.core.model import (
    BusMessage,
    GatewayBirth,
    GatewayChange,
    GatewayDeath,
    GatewayDevices,
)
from alerts.core.newest_readings import NewestReadings
from desk.ledger.known import KnownGateway
from rules.engine.engine import Engine
from rules.presence.conflict import Contest
from rules.presence.presence import Presence
from wire.clocks import EARLIEST_MS, check_event_time
from wire.decode import FastDecoder, UnreadableError, decode_status, decode_telemetry
from wire.messages import AnnouncedDevice, Reading, Status, Telemetry
from wire.ownership import LedgerWord, Ownership
from wire.payload import PayloadError
from wire.topics import GatewayPath, TopicError, parse_gateway_topic
from wire.units import SECOND_MS

# What a gateway is taken to poll at before its birth states an interval: the default of
# gateway.toml (contract §9).
DEFAULT_INTERVAL_MS: Final = 30 * SECOND_MS


class Reception:
    """Sorts messages; `readings`, `statuses` and `rejected` collect what they held until taken.

    `gateways` holds where each device was last heard or announced.
    """

    def __init__(
        self,
        engine: Engine,
        presence: Presence,
        newest: NewestReadings,
        root: str,
        decode_fast: FastDecoder | None = None,
    ) -> None:
        self._engine, self._presence, self._newest = engine, presence, newest
        self._root, self._decode_fast = root, decode_fast
        self._ownership = Ownership()
        self._absence = Absence()
        self._announced: dict[GatewayPath, Sequence[AnnouncedDevice]] = {}
        self._intervals: dict[GatewayPath, int] = {}
        self.births: dict[GatewayPath, int] = {}
        self.gateways: dict[str, GatewayPath] = {}
        self.readings: list[tuple[GatewayPath, Reading]] = []
        self.statuses: list[GatewayChange] = []
        self.rejected: Counter[str] = Counter()

    def receive(self, message: BusMessage, now: int) -> None:
        """Sort one message that arrived at server time `now` (UTC ms)."""
        try:
            self._receive(message, now)
        except (TopicError, UnreadableError, PayloadError) as error:
            self.rejected[error.code] += 1

    def _receive(self, message: BusMessage, now: int) -> None:
        kind, gateway = parse_gateway_topic(message.topic, self._root)
        is_birth = kind == "status" and message.payload
        if self._ownership.is_retired(gateway) and not is_birth:
            self.rejected["retired"] += 1
        elif kind == "telemetry":
            self._telemetry(gateway, message.payload, now)
        # An empty retained message removes a gateway's status from the broker; it reports nothing.
        elif is_birth:
            self._status(gateway, decode_status(message.payload), message.retained, now)

    def _telemetry(self, gateway: GatewayPath, payload: bytes, now: int) -> None:
        decoded = decode_telemetry(payload, self._decode_fast)
        self.rejected.update(rejection.code for rejection in decoded.rejected)
        if any(getattr(gateway, name) != claim for name, claim in decoded.claims.items()):
            self.rejected["identity_mismatch"] += 1
            return
        self._hear(gateway, decoded.telemetry, now)

    def _hear(self, gateway: GatewayPath, telemetry: Telemetry, now: int) -> None:
        """Count the devices of a message as heard, whatever their clocks; keep good readings."""
        devices: list[str] = []
        is_new = self._newest.is_new(gateway, telemetry)
        for reading in telemetry.readings:
            if not self._ownership.claim(reading.device, gateway):
                self.rejected["not_owned"] += 1
                continue
            devices.append(reading.device)
            self._absence.heard(reading.device, now)
            self.gateways[reading.device] = gateway
            self._keep(gateway, reading, is_new, now)
        self._presence.heard(gateway, devices, _milliseconds(telemetry.interval_s), now)

    def _keep(self, gateway: GatewayPath, reading: Reading, is_new: bool, now: int) -> None:
        code = check_event_time(reading.at, now)
        if code is not None:
            self.rejected[code] += 1
            return
        self.readings.append((gateway, reading))
        if is_new:
            self._newest.note_if_late(reading)

    def _status(self, gateway: GatewayPath, status: Status, retained: bool, now: int) -> None:
        if not status.online:
            if not self._ownership.is_retired(gateway):
                self._presence.last_will(gateway, now)
                self.statuses.append(GatewayDeath(gateway))
            return
        self._born(gateway, status, retained, now)
        if self._ownership.is_retired(gateway):
            self.rejected["retired"] += 1
            return
        self.statuses.append(GatewayBirth(gateway, status, self._owned_devices(gateway)))

    def _born(self, gateway: GatewayPath, status: Status, retained: bool, now: int) -> None:
        """Note a birth.

        The broker repeats a retained birth at every subscription: a known birth is no sign that the
        gateway is there now.
        """
        if status.interval_s is not None:
            self._intervals[gateway] = _milliseconds(status.interval_s)
        self._announced[gateway] = status.devices
        at = status.at or 0
        since = min(at, now) if retained and at >= EARLIEST_MS else now
        self._own(gateway, [device.device for device in status.devices], since, now)
        if self._ownership.is_retired(gateway):
            return
        if not retained or self.births.get(gateway) != at:
            owned = sorted(self._ownership.devices_of(gateway))
            self._presence.announce(gateway, owned, self._interval_of(gateway), now)
        self.births[gateway] = at

    def _interval_of(self, gateway: GatewayPath) -> int:
        return self._intervals.get(gateway, DEFAULT_INTERVAL_MS)

    def _owned_devices(self, gateway: GatewayPath) -> list[AnnouncedDevice]:
        owned = self._ownership.devices_of(gateway)
        return [each for each in self._announced.get(gateway, ()) if each.device in owned]

    def _own(self, gateway: GatewayPath, devices: Sequence[str], since: int, now: int) -> None:
        """Apply what a gateway announces to all owners."""
        changed = self._ownership.announce(gateway, devices, since)
        self._hand_over(changed, now, but=gateway)
        self._watch(gateway, now)

    def decide(self, word: LedgerWord, now: int) -> None:
        """Replace the word of the ledger; a retired gateway is no longer expected."""
        retired, changed = word.retired - self._ownership.retired, self._ownership.decide(word)
        self._hand_over(changed, now)
        for gateway in retired:
            self.births.pop(gateway, None)
            self._presence.retire(gateway, now)

    def end_retired(self, now: int) -> None:
        """End alerts of retired gateways that an earlier run left open."""
        for gateway in self._ownership.retired:
            self._presence.retire(gateway, now)

    def contests(self) -> dict[str, Contest]:
        """The devices that gateways beside their owner announce, too."""
        contests: dict[str, Contest] = {}
        for device, others in self._ownership.contested().items():
            self.gateways.setdefault(device, others[0])
            contests[device] = Contest(self._ownership.owner(device), others)
        return contests

    def _hand_over(
        self, devices: Collection[str], now: int, but: GatewayPath | None = None
    ) -> None:
        """Devices have new owners: expect them there, and nowhere else.

        The registry gets the devices of all gateways concerned, `but` one that is written anyway.
        """
        if not devices:
            return
        losers = {path for device in devices if (path := self.gateways.get(device)) is not None}
        owners = map(self._ownership.owner, devices)
        gainers = {path for path in owners if path is not None} - {but}
        self._presence.release(devices)
        self._absence.announced(self.gateways.keys() & set(devices), (), now)
        for gateway in sorted(gainers, key=str):
            self._watch(gateway, now)
        for gateway in [*sorted(losers - gainers - {but}, key=str), *sorted(gainers, key=str)]:
            if self._can_list(gateway):
                self.statuses.append(GatewayDevices(gateway, self._owned_devices(gateway)))

    def _can_list(self, gateway: GatewayPath) -> bool:
        """Whether all devices of `gateway` are known; after a start its birth may be on its way."""
        return gateway in self._announced or self._ownership.is_retired(gateway)

    def _watch(self, gateway: GatewayPath, now: int) -> None:
        """Expect the devices of a gateway: rules over silence and over readings."""
        owned = sorted(self._ownership.devices_of(gateway))
        if self._ownership.is_retired(gateway):
            return
        interval_ms = self._interval_of(gateway)
        self._presence.expect(gateway, owned, interval_ms, now)
        self._absence.announced((), owned, now)
        self.gateways.update(dict.fromkeys(owned, gateway))
        village = f"{gateway.district}/{gateway.town}/{gateway.village}"
        self._engine.expect(owned, interval_ms, village)

    def learn(self, known: Iterable[KnownGateway], now: int) -> None:
        """Take over the registry of an earlier run, whose claims are the oldest.

        Call it after the rule state was restored: that knows better who is silent.
        """
        for entry in known:
            if entry.interval_ms is not None:
                self._intervals[entry.gateway] = entry.interval_ms
            self.gateways.update(dict.fromkeys(entry.others, entry.gateway))
            self._newest.learn(entry.last_at)
            self._own(entry.gateway, entry.devices, 0, now)
            self._absence.announced(entry.others, (), now)

    def retire(self, now: int) -> list[str]:
        """Let go of devices that have been off every birth, and silent, for long enough."""
        leaving = [device for device in self._absence.retire(now) if not self._is_listed(device)]
        for device in leaving:
            self._newest.forget(device)
        return leaving

    def _is_listed(self, device: str) -> bool:
        owner = self._ownership.owner(device)
        return owner is not None and device in self._ownership.devices_of(owner)

    def take_readings(self) -> list[tuple[GatewayPath, Reading]]:
        """The readings to evaluate, in the order they came."""
        readings, self.readings = self.readings, []
        return readings

    def take_statuses(self) -> list[GatewayChange]:
        """Births, changes of owners and last wills, in the order they came."""
        statuses, self.statuses = self.statuses, []
        return statuses

    def take_rejected(self) -> Counter[str]:
        """How much was rejected, by code."""
        rejected, self.rejected = self.rejected, Counter()
        return rejected


def _milliseconds(seconds: float) -> int:
    return round(seconds * SECOND_MS)
