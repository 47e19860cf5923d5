"""What the bus delivers, sorted: readings to evaluate, gateways that come and go; pure.

Bad input is counted by its code (reliability §3), never fatal.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from alerts.core.absence import Absence
from alerts.core.model import BusMessage, GatewayBirth, GatewayDeath
from alerts.core.newest_readings import NewestReadings
from desk.ledger.known import KnownGateway
from rules.engine.engine import Engine
from rules.presence.presence import Presence
from wire.clocks import check_event_time
from wire.decode import FastDecoder, UnreadableError, decode_status, decode_telemetry
from wire.messages import Reading, Status, Telemetry
from wire.ownership import Ownership
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
        self.births: dict[GatewayPath, int] = {}
        self.gateways: dict[str, GatewayPath] = {}
        self.readings: list[tuple[GatewayPath, Reading]] = []
        self.statuses: list[GatewayBirth | GatewayDeath] = []
        self.rejected: Counter[str] = Counter()

    def receive(self, message: BusMessage, now: int) -> None:
        """Sort one message that arrived at server time `now` (UTC ms)."""
        try:
            self._receive(message, now)
        except (TopicError, UnreadableError, PayloadError) as error:
            self.rejected[error.code] += 1

    def _receive(self, message: BusMessage, now: int) -> None:
        kind, gateway = parse_gateway_topic(message.topic, self._root)
        if kind == "telemetry":
            self._telemetry(gateway, message.payload, now)
        # An empty retained message removes a gateway's status from the broker; it reports nothing.
        elif kind == "status" and message.payload:
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
            self._presence.last_will(gateway, now)
            self.statuses.append(GatewayDeath(gateway))
            return
        owned = self._born(gateway, status, retained, now)
        devices = [device for device in status.devices if device.device in owned]
        self.statuses.append(GatewayBirth(gateway, status, devices))

    def _born(self, gateway: GatewayPath, status: Status, retained: bool, now: int) -> set[str]:
        """Note a birth; returns which of its devices the gateway owns.

        The broker repeats a retained birth at every subscription: a known birth is no sign that the
        gateway is there now.
        """
        interval_ms = DEFAULT_INTERVAL_MS
        if status.interval_s is not None:
            interval_ms = _milliseconds(status.interval_s)
        owned = self._own(gateway, [device.device for device in status.devices], interval_ms, now)
        at = status.at or 0
        if not retained or self.births.get(gateway) != at:
            self._presence.announce(gateway, owned, interval_ms, now)
        self.births[gateway] = at
        return set(owned)

    def _own(
        self, gateway: GatewayPath, devices: Sequence[str], interval_ms: int, now: int
    ) -> list[str]:
        before = self._ownership.devices_of(gateway)
        self._ownership.announce(gateway, devices)
        owned = sorted(self._ownership.devices_of(gateway))
        self._absence.announced(before, owned, now)
        self.gateways.update(dict.fromkeys(owned, gateway))
        village = f"{gateway.district}/{gateway.town}/{gateway.village}"
        self._engine.expect(owned, interval_ms, village)
        return owned

    def learn(self, known: Iterable[KnownGateway], now: int) -> None:
        """Take over the registry of an earlier run.

        Call it after the rule state was restored: that knows better who is silent.
        """
        for entry in known:
            interval_ms = entry.interval_ms or DEFAULT_INTERVAL_MS
            self.gateways.update(dict.fromkeys(entry.others, entry.gateway))
            self._newest.learn(entry.last_at)
            owned = self._own(entry.gateway, entry.devices, interval_ms, now)
            self._absence.announced(entry.others, (), now)
            if entry.gateway not in self.births:
                self._presence.announce(entry.gateway, owned, interval_ms, now)

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

    def take_statuses(self) -> list[GatewayBirth | GatewayDeath]:
        """Births and last wills, in the order they came."""
        statuses, self.statuses = self.statuses, []
        return statuses

    def take_rejected(self) -> Counter[str]:
        """How much was rejected, by code."""
        rejected, self.rejected = self.rejected, Counter()
        return rejected


def _milliseconds(seconds: float) -> int:
    return round(seconds * SECOND_MS)
