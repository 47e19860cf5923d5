"""Which dead letters are good by today's rules. Pure.

Some causes can end after the rejection: the list of devices (`unknown_device`, `too_early`), the
owner of a device (`not_owned`), the store (`store_refused`, `too_old`), this software
(`payload_invalid`, `bad_identifier`). The order of long past messages cannot change (ORDER).

A `clock_ahead` is checked at the time of its receipt, because every wrong time comes true if one
waits. Only a person who knows that the server's clock was behind can ask for it by its code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from ingest.reception.admission import Admission
from ingest.reception.dead_letter import PAYLOAD_BYTES, DeadLetter, letter_of, line
from ingest.reception.validation import fault_of_message
from ingest.store.model import StoredReading
from wire.clocks import check_event_time
from wire.decode import Decoded, UnreadableError, decode_telemetry
from wire.encode import to_json
from wire.messages import VERSION, Reading
from wire.topics import DEFAULT_ROOT, GatewayPath, TopicError, parse_gateway_topic

ORDER: Final = frozenset({"not_increasing", "stale_epoch", "seq_conflict"})

KeptReason = Literal[
    "still_bad",
    "out_of_order",
    "cut_short",
    "not_asked",
    "unreadable_line",
    "occupied",
    "refused_again",
]
"""Why a line stays in the file.

- `still_bad`: its fault is still one. `out_of_order`: its code is one of ORDER.
- `cut_short`: the file holds only the first 4 kB of its message.
- `not_asked`: its code was not asked for. `unreadable_line`: it is no dead letter.
- `occupied`: the store has another reading of that device and time.
- `refused_again`: the store refuses the reading as before.
"""


@dataclass(frozen=True, slots=True)
class TodaysRules:
    """The devices, their owners, the server's time (UTC ms), and the codes that were asked for.

    `codes` None asks for all. `clock_ahead` is forgiven only if `codes` names it.
    """

    admission: Admission
    owners: Mapping[str, GatewayPath | None]
    now: int
    codes: frozenset[str] | None = None
    root: str = DEFAULT_ROOT


@dataclass(slots=True)
class GoodReading:
    """A reading that is good now, and its `line`, which stays if the store does not take it.

    `stays` is the reason, once the store has answered.
    """

    stored: StoredReading
    line: bytes
    stays: KeptReason | None = None


@dataclass(slots=True)
class Reexamined:
    """The result for one line: readings for the store, and lines that stay, with the reason.

    `code` is that of the dead letter, `?` for an unreadable line.
    """

    code: str
    good: list[GoodReading] = field(default_factory=list)
    kept: list[tuple[KeptReason, bytes]] = field(default_factory=list)


def reexamine(text: bytes, rules: TodaysRules) -> Reexamined:
    """Check one line of a dead-letter file by `rules`."""
    letter = letter_of(text)
    if letter is None:
        return Reexamined("?", kept=[("unreadable_line", text)])
    if rules.codes is not None and letter.code not in rules.codes:
        return Reexamined(letter.code, kept=[("not_asked", text)])
    if letter.code in ORDER:
        return Reexamined(letter.code, kept=[("out_of_order", text)])
    if letter.payload is not None and len(letter.payload) >= PAYLOAD_BYTES:
        return Reexamined(letter.code, kept=[("cut_short", text)])
    try:
        kind, gateway = parse_gateway_topic(letter.topic, rules.root)
        decoded = decode_telemetry(_telemetry(letter))
    except (TopicError, UnreadableError):
        return Reexamined(letter.code, kept=[("still_bad", text)])
    if kind != "telemetry" or fault_of_message(gateway, decoded) is not None:
        return Reexamined(letter.code, kept=[("still_bad", text)])
    return _by_reading(text, letter, gateway, decoded, rules)


def _by_reading(
    text: bytes, letter: DeadLetter, gateway: GatewayPath, decoded: Decoded, rules: TodaysRules
) -> Reexamined:
    result = Reexamined(letter.code)
    telemetry = decoded.telemetry
    bad: list[tuple[str, str | None, object]] = [
        (rejection.code, rejection.device, rejection.reading) for rejection in decoded.rejected
    ]
    for reading in telemetry.readings:
        code = _fault(reading, letter, gateway, rules)
        if code is not None:
            bad.append((code, reading.device, reading))
            continue
        stored = StoredReading(gateway, telemetry.epoch, telemetry.seq, reading)
        stays = _line_of(text, letter, letter.code, reading.device, reading)
        result.good.append(GoodReading(stored, stays))
    if not result.good:
        result.kept.append(("still_bad", text))
        return result
    for code, device, rejected in bad:
        result.kept.append(("still_bad", _line_of(text, letter, code, device, rejected)))
    return result


def _fault(
    reading: Reading, letter: DeadLetter, gateway: GatewayPath, rules: TodaysRules
) -> str | None:
    admission = rules.admission
    if not admission.takes(reading.device):
        return "unknown_device"
    if (rules.owners.get(reading.device) or gateway) != gateway:
        return "not_owned"
    forgiven = letter.code == "clock_ahead" and rules.codes is not None
    now = rules.now if forgiven else letter.at
    return check_event_time(reading.at, now, admission.earliest(reading.device))


def _line_of(
    text: bytes, letter: DeadLetter, code: str, device: str | None, reading: object
) -> bytes:
    """Return the line of one reading: `text` itself, or a new one out of a whole message."""
    if letter.payload is None:
        return text
    of_reading = DeadLetter(
        letter.at, code, letter.topic, letter.gateway, letter.epoch, letter.seq, device, reading
    )
    return line(of_reading)


def _telemetry(letter: DeadLetter) -> bytes:
    """Return the payload of `letter`, or a new message around its reading."""
    if letter.payload is not None:
        return letter.payload
    envelope = {
        "v": VERSION,
        "epoch": letter.epoch,
        "seq": letter.seq,
        "sent_at": letter.at,
        "interval_s": 1,
    }
    return to_json({**envelope, "readings": [letter.reading]})
