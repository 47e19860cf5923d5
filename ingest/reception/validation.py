"""Which messages and readings are good, and the code of each that is not (reliability §3). No
clock, no I/O.

A message is judged against the registry, which the judgement moves on: message numbers count as
received, devices are claimed, and each device's newest reading is marked. Codes beside those of the
payload:

- `identity_mismatch`: the payload names another place than its topic; the topic decides who the gateway is.
- `not_owned`: the device belongs to another gateway. `unknown_device`: only registered devices are taken, and it is
  not one.
- `not_increasing`: within an epoch a higher `seq` must bring a higher `at` than the device's newest reading, a lower
  one (a late re-send) a lower `at`.
- `stale_epoch`: what a former journal still held is accepted while it is older than the device's newest reading. A
  reading of a former epoch that claims to be newer comes from a copied or restored box and is refused.
- `seq_conflict`: a message number was used again for other readings.

A message says which watermark its gateway knows (`acked`): up to there it was received, by this
ingest or by another.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from ingest.reception.admission import Admission
from ingest.reception.dead_letter import PAYLOAD_BYTES, DeadLetter
from ingest.reception.device_registry import DeviceRegistry, GatewayNumbers, NewestReading, Standing
from ingest.reception.tally import BAD_POINT, Count
from ingest.store.model import StoredReading
from messaging.telemetry import decode_fitting
from wire.clocks import check_event_time
from wire.decode import Decoded, UnreadableError, decode_status, decode_telemetry
from wire.messages import Reading, Telemetry
from wire.payload import PayloadError, is_envelope
from wire.topics import DEFAULT_ROOT, GatewayPath, TopicError, parse_gateway_topic


@dataclass(slots=True)
class Verdict:
    """What one message comes to.

    `place` is its gateway, None where the topic names none; `epoch` the numbering whose watermark
    the gateway is to be told, None where it is told nothing. `counts` are events worth counting
    that reject nothing (see `tally.Count`).
    """

    place: GatewayPath | None
    epoch: str | None = None
    readings: list[StoredReading] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Validator:
    """Judges messages one after the other, in arrival order; `admission` may be exchanged between
    two of them."""

    def __init__(
        self, registry: DeviceRegistry, admission: Admission | None = None, root: str = DEFAULT_ROOT
    ) -> None:
        self._registry = registry
        self.admission = admission if admission is not None else Admission()
        self._root = root
        self._topics: dict[str, tuple[str, GatewayPath]] = {}

    def validate(self, topic: str, payload: bytes, now: int, *, again: bool = False) -> Verdict:
        """The verdict on one message at server time `now` (UTC ms).

        `again` says that the broker has delivered this very message before, or keeps it as a
        retained one.
        """
        message = _Message(topic, payload, now, again)
        try:
            kind, place = self._parse(topic)
        except TopicError as error:
            return self._unnumbered(message, error.code, None)
        if kind == "telemetry":
            return self._telemetry(message, place)
        if kind == "status":
            return self._status(message, place)
        return self._unnumbered(message, "bad_topic", place)

    def _parse(self, topic: str) -> tuple[str, GatewayPath]:
        known = self._topics.get(topic)
        if known is None:
            known = self._topics[topic] = parse_gateway_topic(topic, self._root)
        return known

    def _status(self, message: "_Message", place: GatewayPath) -> Verdict:
        try:
            status = decode_status(message.payload)
        except PayloadError as error:
            code = (
                error.reason
                if error.reason == "bad_identifier"
                else f"payload_invalid:{error.reason}"
            )
            return self._unnumbered(message, code, place)
        if status.epoch is None:
            return Verdict(place)
        if not is_envelope(status.epoch, 1):
            return self._unnumbered(message, "payload_invalid:out_of_range", place)
        self._registry.announce(place, status.epoch, (device.device for device in status.devices))
        return Verdict(place, status.epoch)

    def _telemetry(self, message: "_Message", place: GatewayPath) -> Verdict:
        try:
            decoded = decode_telemetry(message.payload, decode_fitting)
        except UnreadableError as error:
            if error.envelope is None:
                return self._unnumbered(message, error.code, place)
            return self._refused(message, place, error.code, *error.envelope)
        telemetry = decoded.telemetry
        code = fault_of_message(place, decoded)
        if code is not None:
            return self._refused(message, place, code, telemetry.epoch, telemetry.seq)
        if self._registry.gateway(place).has(telemetry.epoch, telemetry.seq):
            return self._repeated(message, place, telemetry)
        return self._new(message, place, decoded)

    def _unnumbered(self, message: "_Message", code: str, place: GatewayPath | None) -> Verdict:
        """A message that consumes no number and is answered by nothing (contract §11 "Poison")."""
        digest = hashlib.sha256(message.topic.encode() + b"\0" + message.payload).digest()
        if not self._registry.is_new_unreadable(digest, message.again):
            return Verdict(place, counts=Counter(redelivered=1))
        return Verdict(place, letters=[message.letter(code, place)])

    def _refused(
        self, message: "_Message", place: GatewayPath, code: str, epoch: str, seq: int
    ) -> Verdict:
        """A message that is refused as a whole but whose number counts as received."""
        verdict = Verdict(place, epoch)
        if self._registry.receive(place, epoch, seq, seq):
            verdict.letters.append(message.letter(code, place, epoch, seq))
        else:
            verdict.counts[message.repetition] += 1
        return verdict

    def _repeated(self, message: "_Message", place: GatewayPath, telemetry: Telemetry) -> Verdict:
        verdict = Verdict(place, telemetry.epoch)
        if self._conflicts(message, place, telemetry):
            verdict.letters.append(
                message.letter("seq_conflict", place, telemetry.epoch, telemetry.seq)
            )
        else:
            verdict.counts[message.repetition] += 1
        return verdict

    def _conflicts(self, message: "_Message", place: GatewayPath, telemetry: Telemetry) -> bool:
        """Whether a message with a known number holds other readings than the first one.

        Where the first one is no longer remembered, a good reading newer than all that its device
        ever sent tells.
        """
        if message.again:
            return False
        first = self._registry.gateway(place).fingerprint(telemetry.epoch, telemetry.seq)
        if first is not None:
            return first != fingerprint(telemetry)
        return any(self._is_news(place, reading, message.now) for reading in telemetry.readings)

    def _is_news(self, place: GatewayPath, reading: Reading, now: int) -> bool:
        mark = self._registry.marks.get(reading.device)
        owned = self._registry.ownership.owner(reading.device) == place
        return (
            owned
            and mark is not None
            and reading.at > mark.at
            and check_event_time(reading.at, now) is None
        )

    def _new(self, message: "_Message", place: GatewayPath, decoded: Decoded) -> Verdict:
        telemetry = decoded.telemetry
        registry, gateway = self._registry, self._registry.gateway(place)
        verdict = Verdict(place, telemetry.epoch)
        for reason, count in decoded.dropped_points.items():
            verdict.counts[BAD_POINT + reason] += count
        for rejection in decoded.rejected:
            verdict.letters.append(
                message.letter_of(
                    rejection.code, place, telemetry, rejection.device, rejection.reading
                )
            )
        self._admit(message, place, telemetry, gateway, verdict)
        gateway.remember(telemetry.epoch, telemetry.seq, fingerprint(telemetry))
        registry.receive(place, telemetry.epoch, telemetry.seq, telemetry.seq)
        if telemetry.acked > registry.watermark(place, telemetry.epoch):
            registry.receive(place, telemetry.epoch, 1, telemetry.acked)
        if telemetry.dropped is not None:
            lost = registry.receive(
                place, telemetry.epoch, telemetry.dropped.first, telemetry.dropped.last
            )
            verdict.counts["lost"] += lost
        return verdict

    def _admit(
        self,
        message: "_Message",
        place: GatewayPath,
        telemetry: Telemetry,
        gateway: GatewayNumbers,
        verdict: Verdict,
    ) -> None:
        standing = gateway.standing(telemetry.epoch)
        if standing == "stale":
            verdict.counts["stale_epoch"] += 1
        late: dict[str, int] = {}
        news = standing == "current"
        for reading in telemetry.readings:
            code = self._fault(place, reading, message.now) or self._disorder(
                reading, telemetry, standing, late
            )
            if code is not None:
                verdict.letters.append(
                    message.letter_of(code, place, telemetry, reading.device, reading)
                )
                continue
            news = news or reading.device not in late
            verdict.readings.append(StoredReading(place, telemetry.epoch, telemetry.seq, reading))
        if news:
            self._registry.make_current(place, telemetry.epoch)

    def _fault(self, place: GatewayPath, reading: Reading, now: int) -> str | None:
        if not self.admission.takes(reading.device):
            return "unknown_device"
        if not self._registry.claim(reading.device, place):
            return "not_owned"
        return check_event_time(reading.at, now, self.admission.earliest(reading.device))

    def _disorder(
        self, reading: Reading, telemetry: Telemetry, standing: Standing, late: dict[str, int]
    ) -> str | None:
        """Judge the reading's place in time and, where it is good, mark it as the newest or note it
        in `late`."""
        mark = self._registry.marks.get(reading.device)
        code = out_of_order(mark, telemetry.epoch, telemetry.seq, reading.at, standing)
        if code is not None:
            return code
        if mark is None or reading.at > mark.at:
            self._registry.advance(
                reading.device, NewestReading(telemetry.epoch, telemetry.seq, reading.at)
            )
            return None
        if reading.at <= late.get(reading.device, 0):
            return "not_increasing"
        late[reading.device] = reading.at
        return None


def out_of_order(
    mark: NewestReading | None, epoch: str, seq: int, at: int, standing: Standing
) -> str | None:
    """The code of a reading whose time contradicts the order of the messages, or None.

    `mark` is the device's newest reading so far; a reading later than it becomes the newest.
    """
    if mark is None:
        return None
    if epoch == mark.epoch:
        in_order = at > mark.at if seq >= mark.seq else at < mark.at
        return None if in_order else "not_increasing"
    if at > mark.at:
        return "stale_epoch" if standing == "stale" else None
    return "not_increasing" if at == mark.at or standing == "current" else None


def fingerprint(telemetry: Telemetry) -> int:
    """A number that differs between messages that hold different readings, whatever their
    `sent_at`."""
    dropped = telemetry.dropped
    bounds = (dropped.first, dropped.last) if dropped is not None else None
    return hash(
        (
            bounds,
            tuple([(r.device, r.at, r.state, sum(r.values.values())) for r in telemetry.readings]),
        )
    )


def fault_of_message(place: GatewayPath, decoded: Decoded) -> str | None:
    """The code of a message from `place` that could be read and is refused as a whole all the same,
    or None."""
    if any(getattr(place, level) != claim for level, claim in decoded.claims.items()):
        return "identity_mismatch"
    dropped = decoded.telemetry.dropped
    # What is reported lost was numbered before the report; a later number would make a future
    # message a duplicate.
    if dropped is not None and dropped.last >= decoded.telemetry.seq:
        return "payload_invalid:out_of_range"
    return None


@dataclass(slots=True)
class _Message:
    topic: str
    payload: bytes
    now: int
    again: bool

    @property
    def repetition(self) -> Count:
        """Who sent this message once more."""
        return "redelivered" if self.again else "resent"

    def letter(
        self, code: str, place: GatewayPath | None, epoch: str | None = None, seq: int | None = None
    ) -> DeadLetter:
        gateway = place.gateway if place is not None else None
        # No more than the file will hold, because a batch of poison may wait for long.
        payload = self.payload[:PAYLOAD_BYTES]
        return DeadLetter(self.now, code, self.topic, gateway, epoch, seq, payload=payload)

    def letter_of(
        self,
        code: str,
        place: GatewayPath,
        telemetry: Telemetry,
        device: str | None,
        reading: object,
    ) -> DeadLetter:
        return DeadLetter(
            self.now,
            code,
            self.topic,
            place.gateway,
            telemetry.epoch,
            telemetry.seq,
            device,
            reading,
        )
