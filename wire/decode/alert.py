"""An alert of the feed; it is good or refused as a whole."""

from typing import Any, cast, get_args

from wire.decode.fields import check_version, integer, number, required
from wire.messages import PRIORITIES, Alert, AlertState, Priority
from wire.payload import PayloadError, inflate, parse_document


def decode_alert(payload: bytes) -> Alert:
    """Decode an alert of the feed; raises PayloadError."""
    return alert_from(parse_document(inflate(payload)))


def alert_from(document: dict[str, Any]) -> Alert:
    """The alert of a JSON object, in which null is as good as absent; raises PayloadError."""
    check_version(required(document, "v", int))
    priority, state = required(document, "priority", str), required(document, "state", str)
    if priority not in PRIORITIES or state not in get_args(AlertState):
        raise PayloadError("out_of_range", "priority or state")
    return Alert(
        id=required(document, "id", str),
        rule=required(document, "rule", str),
        subject=required(document, "subject", str),
        district=required(document, "district", str),
        town=required(document, "town", str),
        village=required(document, "village", str),
        priority=cast("Priority", priority),
        state=cast("AlertState", state),
        onset=integer(document, "onset"),
        raised_at=integer(document, "raised_at"),
        text=_sentences(document),
        acknowledged_by=_text(document, "acknowledged_by"),
        shelved_until=_count(document, "shelved_until"),
        cleared_at=_count(document, "cleared_at"),
        value=_value(document, "value"),
        limit=_value(document, "limit"),
        unit=_text(document, "unit"),
        code=_text(document, "code"),
        children=_count(document, "children") or 0,
        ticket=_text(document, "ticket"),
        cause=_text(document, "cause"),
        out_of_service_until=_count(document, "out_of_service_until"),
    )


def _sentences(document: dict[str, Any]) -> dict[str, str]:
    text: dict[str, str] = required(document, "text", dict)
    if not all(isinstance(part, str) for pair in text.items() for part in pair):
        raise PayloadError("wrong_type", "text")
    return text


def _text(document: dict[str, Any], key: str) -> str | None:
    return None if document.get(key) is None else str(required(document, key, str))


def _count(document: dict[str, Any], key: str) -> int | None:
    return None if document.get(key) is None else integer(document, key)


def _value(document: dict[str, Any], key: str) -> float | None:
    return None if document.get(key) is None else number(document, key)
