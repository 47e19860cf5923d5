"""An alert of the feed; it is good or refused as a whole."""

from typing import Any, Final

from wire.decode.fields import (
    among,
    check_version,
    finite,
    identifier,
    integer,
    line,
    moment,
    name,
    optional,
    required,
    token,
)
from wire.messages import ALERT_STATES, PRIORITIES, Alert
from wire.payload import inflate, parse_document
from wire.texts import LONGEST_PROSE

_LANGUAGES: Final = ("zh", "en")


def decode_alert(payload: bytes) -> Alert:
    """Decode an alert of the feed; raises PayloadError."""
    return alert_from(parse_document(inflate(payload)))


def alert_from(document: dict[str, Any]) -> Alert:
    """Return the alert of a JSON object, in which null is as good as absent.

    Raises PayloadError.
    """
    check_version(required(document, "v", int))
    return Alert(
        id=token(document, "id"),
        rule=name(document, "rule"),
        subject=identifier(document, "subject"),
        district=identifier(document, "district"),
        town=identifier(document, "town"),
        village=identifier(document, "village"),
        priority=among(document, "priority", PRIORITIES),
        state=among(document, "state", ALERT_STATES),
        onset=moment(document, "onset"),
        raised_at=moment(document, "raised_at"),
        text=_languages(required(document, "text", dict)),
        acknowledged_by=optional(document, "acknowledged_by", line),
        shelved_until=optional(document, "shelved_until", moment),
        cleared_at=optional(document, "cleared_at", moment),
        value=optional(document, "value", finite),
        limit=optional(document, "limit", finite),
        unit=optional(document, "unit", line),
        code=optional(document, "code", line),
        children=integer(document, "children"),
        ticket=optional(document, "ticket", line),
        cause=optional(document, "cause", token),
        out_of_service_until=optional(document, "out_of_service_until", moment),
    )


def _languages(document: dict[str, Any]) -> dict[str, str]:
    return {
        language: line(document, language, LONGEST_PROSE)
        for language in _LANGUAGES
        if language in document
    }
