"""Which messages and readings are good, and the code of each rejection (reliability §3).

No clock, no I/O. A message is validated against the registry, and changes it: numbers count as
received, devices get owners, newest readings advance. Beside the codes of the payload:

- `identity_mismatch`: payload and topic name different gateways. The topic decides.
- `not_owned`: the device belongs to another gateway. `retired`: the desk has ended the gateway. A
  reading of a disputed device, or of a retired gateway, is held instead (docs/decisions/0019).
- `unknown_device`: ingest takes only listed devices, and this one is not listed.
- `not_increasing`: within an epoch a higher `seq` brings a later `at` than the device's newest
  reading, and a lower `seq` (a late repetition) an earlier `at`. This reading does not.
- `stale_epoch`: readings of a former epoch are good while they are older than the device's newest
  one. A newer one comes from a copied or restored gateway.
- `seq_conflict`: the gateway used a message number again for other readings.

A message names the watermark that its gateway knows (`acked`). All numbers up to it count as
received: this ingest, or another one, has acknowledged them. Those that this one does not know are
a claim, and the store is asked whether it holds them.
"""

import hashlib
from collections import Counter
from typing import Final

from configuration.set_aside_log import UNPROCESSABLE
from ingest.reception.admission import Admission
from ingest.reception.claim import claim_of
from ingest.reception.device_registry import DeviceRegistry, NewestReading
from ingest.reception.gateway_numbers import Standing
from ingest.reception.held import HeldReading
from ingest.reception.incoming import IncomingMessage, Verdict
from ingest.reception.tally import BAD_POINT
from ingest.store.model import StoredReading
from messaging.telemetry import decode_fitting
from wire.clocks import check_event_time
from wire.decode import (
    Decoded,
    UnreadableError,
    decode_assignment,
    decode_retirement,
    decode_status,
    decode_telemetry,
)
from wire.messages import Reading, Telemetry
from wire.payload import PayloadError, salvage_envelope
from wire.topics import (
    DEFAULT_ROOT,
    GatewayPath,
    TopicError,
    assigned_device,
    parse_gateway_topic,
)

_DISPUTED: Final = ("not_owned", "retired")


class Validator:
    """Validates messages in arrival order; `admission` may be replaced between two messages."""

    def __init__(
        self, registry: DeviceRegistry, admission: Admission | None = None, root: str = DEFAULT_ROOT
    ) -> None:
        """`registry` is read and changed; `root` is the topic root."""
        self._registry = registry
        self.admission = admission if admission is not None else Admission()
        self._root = root
        self._topics: dict[str, tuple[str, GatewayPath]] = {}

    @property
    def admission(self) -> Admission:
        """The list of devices; the gateways that it names decide who owns a device."""
        return self._admission

    @admission.setter
    def admission(self, admission: Admission) -> None:
        self._admission = admission
        self._registry.list_gateways(admission.gateways)

    def validate(self, topic: str, payload: bytes, now: int, *, again: bool = False) -> Verdict:
        """Validate one message at server time `now` (UTC ms).

        `again`: the broker has delivered this message before, or retains it.
        """
        message = IncomingMessage(topic, payload, now, again)
        try:
            kind, gateway = self._parse(topic)
        except TopicError as error:
            device = assigned_device(topic, self._root)
            if device is not None:
                return self._decided(message, None, device)
            return self._unnumbered(message, error.code, None)
        if kind == "telemetry":
            return self._telemetry(message, gateway)
        if kind == "status":
            return self._status(message, gateway)
        if kind == "retired":
            return self._decided(message, gateway, "")
        return self._unnumbered(message, "bad_topic", gateway)

    def set_aside(self, topic: str, payload: bytes, now: int, *, again: bool = False) -> Verdict:
        """Reject a whole message that `validate` failed at; its number counts as received."""
        message = IncomingMessage(topic, payload, now, again)
        try:
            gateway = self._parse(topic)[1]
        except TopicError:
            return self._unnumbered(message, UNPROCESSABLE, None)
        envelope = salvage_envelope(payload)
        if envelope is None:
            return self._unnumbered(message, UNPROCESSABLE, gateway)
        return self._refused(message, gateway, UNPROCESSABLE, *envelope)

    def _parse(self, topic: str) -> tuple[str, GatewayPath]:
        known = self._topics.get(topic)
        if known is None:
            known = self._topics[topic] = parse_gateway_topic(topic, self._root)
        return known

    def _decided(
        self, message: IncomingMessage, gateway: GatewayPath | None, device: str
    ) -> Verdict:
        """Apply a decision of the desk on a gateway, or on a device.

        An empty message makes the broker forget the decision that it retains; it decides nothing.
        """
        if not message.payload:
            return Verdict(gateway, by_desk=True)
        try:
            if gateway is not None:
                self._registry.retire(gateway, decode_retirement(message.payload))
            else:
                self._registry.assign(device, decode_assignment(message.payload))
        except PayloadError as error:
            return self._unnumbered(message, f"payload_invalid:{error.reason}", gateway)
        return Verdict(gateway, by_desk=True)

    def _status(self, message: IncomingMessage, gateway: GatewayPath) -> Verdict:
        if not message.payload:  # the desk has removed the birth of a retired gateway
            return Verdict(gateway, by_desk=True)
        try:
            status = decode_status(message.payload)
        except PayloadError as error:
            return self._unnumbered(message, error.code, gateway)
        if status.epoch is None:
            return Verdict(gateway)
        devices = [device.device for device in status.devices]
        self._registry.announce(gateway, status.epoch, devices, message.claimed_at(status.at))
        return Verdict(gateway, status.epoch)

    def _telemetry(self, message: IncomingMessage, gateway: GatewayPath) -> Verdict:
        try:
            decoded = decode_telemetry(message.payload, decode_fitting)
        except UnreadableError as error:
            if error.envelope is None:
                return self._unnumbered(message, error.code, gateway)
            return self._refused(message, gateway, error.code, *error.envelope)
        telemetry = decoded.telemetry
        code = fault_of_message(gateway, decoded)
        if code is not None:
            return self._refused(message, gateway, code, telemetry.epoch, telemetry.seq)
        if self._registry.numbers(gateway).has(telemetry.epoch, telemetry.seq):
            return self._repeated(message, gateway, telemetry)
        return self._new(message, gateway, decoded)

    def _unnumbered(
        self, message: IncomingMessage, code: str, gateway: GatewayPath | None
    ) -> Verdict:
        """Reject a message without a number; nothing answers it (contract §11 "Poison")."""
        digest = hashlib.sha256(message.topic.encode() + b"\0" + message.payload).digest()
        if not self._registry.is_new_unreadable(digest, message.again):
            return Verdict(gateway, counts=Counter(redelivered=1))
        return Verdict(gateway, letters=[message.letter(code, gateway)])

    def _refused(
        self, message: IncomingMessage, gateway: GatewayPath, code: str, epoch: str, seq: int
    ) -> Verdict:
        """Reject a whole message whose number counts as received."""
        verdict = Verdict(gateway, epoch)
        if self._registry.receive(gateway, epoch, seq, seq):
            verdict.letters.append(message.letter(code, gateway, epoch, seq))
        else:
            verdict.counts[message.repetition] += 1
        return verdict

    def _repeated(
        self, message: IncomingMessage, gateway: GatewayPath, telemetry: Telemetry
    ) -> Verdict:
        verdict = Verdict(gateway, telemetry.epoch)
        if self._conflicts(message, gateway, telemetry):
            verdict.letters.append(
                message.letter("seq_conflict", gateway, telemetry.epoch, telemetry.seq)
            )
        else:
            verdict.counts[message.repetition] += 1
        return verdict

    def _conflicts(
        self, message: IncomingMessage, gateway: GatewayPath, telemetry: Telemetry
    ) -> bool:
        """Whether a message with a known number holds other readings than the first one.

        Without the fingerprint of the first one, a good reading newer than all others of its
        device proves it.
        """
        if message.again:
            return False
        first = self._registry.numbers(gateway).fingerprint(telemetry.epoch, telemetry.seq)
        if first is not None:
            return first != fingerprint(telemetry)
        return any(self._is_newest(gateway, reading, message.now) for reading in telemetry.readings)

    def _is_newest(self, gateway: GatewayPath, reading: Reading, now: int) -> bool:
        newest = self._registry.newest.get(reading.device)
        owned = self._registry.ownership.owner(reading.device) == gateway
        return (
            owned
            and newest is not None
            and reading.at > newest.at
            and check_event_time(reading.at, now) is None
        )

    def _new(self, message: IncomingMessage, gateway: GatewayPath, decoded: Decoded) -> Verdict:
        telemetry = decoded.telemetry
        verdict = Verdict(gateway, telemetry.epoch)
        for reason, count in decoded.dropped_points.items():
            verdict.counts[BAD_POINT + reason] += count
        for rejection in decoded.rejected:
            verdict.letters.append(
                message.letter_of(
                    rejection.code, gateway, telemetry, rejection.device, rejection.reading
                )
            )
        self._admit(message, gateway, telemetry, verdict)
        numbers = self._registry.numbers(gateway)
        numbers.remember(telemetry.epoch, telemetry.seq, fingerprint(telemetry))
        self._receive(gateway, telemetry, verdict)
        return verdict

    def _receive(self, gateway: GatewayPath, telemetry: Telemetry, verdict: Verdict) -> None:
        """Count the message as received, and the numbers it reports as acknowledged or dropped."""
        registry, epoch = self._registry, telemetry.epoch
        registry.receive(gateway, epoch, telemetry.seq, telemetry.seq)
        known = registry.watermark(gateway, epoch)
        if telemetry.acked > known:
            registry.receive(gateway, epoch, 1, telemetry.acked)
            claim = claim_of(gateway, telemetry, known)
            verdict.claims += [claim] if claim is not None else []
        if telemetry.dropped is not None:
            dropped = telemetry.dropped
            lost = registry.receive(gateway, epoch, dropped.first, dropped.last)
            verdict.counts["lost"] += lost

    def _admit(
        self, message: IncomingMessage, gateway: GatewayPath, telemetry: Telemetry, verdict: Verdict
    ) -> None:
        """Sort the readings of a new message into good ones and dead letters."""
        standing = self._registry.numbers(gateway).standing(telemetry.epoch)
        if standing == "stale":
            verdict.counts["stale_epoch"] += 1
        late: dict[str, int] = {}
        advanced = standing == "current"
        for reading in telemetry.readings:
            code = self._fault(gateway, reading, message.now)
            if code in _DISPUTED and self._hold(gateway, telemetry, reading, message.now):
                verdict.counts["held"] += 1
                continue
            code = code or self._disorder(reading, telemetry, standing, late)
            if code is not None:
                letter = message.letter_of(code, gateway, telemetry, reading.device, reading)
                verdict.letters.append(letter)
                continue
            advanced = advanced or reading.device not in late
            verdict.readings.append(StoredReading(gateway, telemetry.epoch, telemetry.seq, reading))
        if advanced:
            self._registry.make_current(gateway, telemetry.epoch)

    def _fault(self, gateway: GatewayPath, reading: Reading, now: int) -> str | None:
        device, admission = reading.device, self._admission
        if not admission.takes(device):
            return "unknown_device"
        if not self._registry.claim(device, gateway):
            return "retired" if self._registry.ownership.is_retired(gateway) else "not_owned"
        return check_event_time(reading.at, now, admission.earliest(device))

    def _hold(self, gateway: GatewayPath, telemetry: Telemetry, reading: Reading, now: int) -> bool:
        """Keep a reading that is good but for its owner; False where that is of no use."""
        earliest = self.admission.earliest(reading.device)
        if check_event_time(reading.at, now, earliest) is not None:
            return False
        if not self._registry.may_hold(reading.device, gateway):
            return False
        self._registry.hold(HeldReading(gateway, telemetry.epoch, telemetry.seq, reading))
        return True

    def _disorder(
        self, reading: Reading, telemetry: Telemetry, standing: Standing, late: dict[str, int]
    ) -> str | None:
        """Return the code of a reading out of order, or None.

        A good reading becomes the newest of its device, or its time goes into `late`.
        """
        device, at = reading.device, reading.at
        newest = self._registry.newest.get(device)
        code = out_of_order(newest, telemetry.epoch, telemetry.seq, at, standing)
        if code is not None:
            return code
        if newest is None or at > newest.at:
            self._registry.advance(device, NewestReading(telemetry.epoch, telemetry.seq, at))
            return None
        if at <= late.get(device, 0):
            return "not_increasing"
        late[device] = at
        return None


def out_of_order(
    newest: NewestReading | None, epoch: str, seq: int, at: int, standing: Standing
) -> str | None:
    """Return the code of a reading whose time contradicts the order of messages, or None.

    `newest` is the newest reading of the device so far. The reading belongs to message `seq` of
    `epoch` and has event time `at` (UTC ms).
    """
    if newest is None:
        return None
    if epoch == newest.epoch:
        in_order = at > newest.at if seq >= newest.seq else at < newest.at
        return None if in_order else "not_increasing"
    if at > newest.at:
        return "stale_epoch" if standing == "stale" else None
    return "not_increasing" if at == newest.at or standing == "current" else None


def fingerprint(telemetry: Telemetry) -> int:
    """Return a number that differs for messages with different readings; `sent_at` is ignored."""
    dropped = telemetry.dropped
    bounds = (dropped.first, dropped.last) if dropped is not None else None
    return hash(
        (
            bounds,
            tuple([(r.device, r.at, r.state, sum(r.values.values())) for r in telemetry.readings]),
        )
    )


def fault_of_message(gateway: GatewayPath, decoded: Decoded) -> str | None:
    """Return the code that rejects a readable message of `gateway` as a whole, or None."""
    if any(getattr(gateway, level) != claim for level, claim in decoded.claims.items()):
        return "identity_mismatch"
    dropped = decoded.telemetry.dropped
    # A message reports only numbers before its own. A later one would turn a future message into
    # a duplicate.
    if dropped is not None and dropped.last >= decoded.telemetry.seq:
        return "payload_invalid:out_of_range"
    return None
