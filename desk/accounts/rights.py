"""What each role may do within its scope, and what it sees: the rights table.

Rows without a role are refused with `not_permitted`. Who sees which ticket at all is the matter of
`Scope` (features row 8).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from desk.accounts.scope import Role, Scope
from desk.errors import ActRefusedError

Act = Literal[
    "report",
    "dispatch",
    "arrive",
    "repair",
    "verify",
    "close",
    "reopen",
    "cancel",
    "note",
    "acknowledge",
    "shelve",
    "take_out_of_service",
    "put_back_in_service",
]
ACTS: Final[tuple[str, ...]] = get_args(Act)

Fields = frozenset[str]
Rights = Mapping[Role, Fields]

REPORT_FIELDS: Final[Fields] = frozenset(
    ("kind", "source", "text", "device", "household", "district", "town", "village")
) | {"caller_name", "caller_phone", "called_at"}
STEP_FIELDS: Final[Fields] = frozenset(
    ("crew", "payer", "fault", "measures", "parts", "score", "note", "why")
)
_TIMED: Final[Fields] = frozenset(("until", "reason"))
_NONE: Final[Fields] = frozenset()


def _desk(fields: Fields, **others: Fields) -> Rights:
    """The control rooms of town and district may set all `fields`; other roles as named."""
    return MappingProxyType({"district": fields, "town": fields, **others})  # type: ignore[dict-item]


MAY: Final[Mapping[Act, Rights]] = MappingProxyType(
    {
        "report": _desk(
            REPORT_FIELDS,
            village=REPORT_FIELDS,
            household=REPORT_FIELDS - {"household", "district", "town", "village"},
        ),
        "dispatch": _desk(STEP_FIELDS),
        "arrive": _desk(STEP_FIELDS, maintainer=frozenset(("note",))),
        "repair": _desk(STEP_FIELDS, maintainer=frozenset(("fault", "measures", "parts", "note"))),
        "verify": _desk(STEP_FIELDS, village=frozenset(("score", "note"))),
        "close": _desk(STEP_FIELDS),
        "reopen": _desk(STEP_FIELDS),
        "cancel": _desk(STEP_FIELDS),
        "note": _desk(
            STEP_FIELDS,
            village=frozenset(("note",)),
            maintainer=frozenset(("note",)),
            household=frozenset(("note", "score")),
        ),
        "acknowledge": _desk(_NONE, village=_NONE),
        "shelve": _desk(_TIMED),
        "take_out_of_service": _desk(_TIMED),
        "put_back_in_service": _desk(_NONE),
    }
)
"""By act and role: the fields that the role may set with it. A role that is absent may not act."""

_EVERYBODY: Final = frozenset(get_args(Role)) - {"auditor"}
_NOT_THE_MAKER: Final = _EVERYBODY - {"manufacturer"}
_WHO_CALLS_BACK: Final = frozenset(("district", "town", "village", "maintainer"))

SEES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("id", "kind", "state", "priority", "device", "gateway", "brand", "source", "version"),
            _EVERYBODY,
        ),
        **dict.fromkeys(("district", "town", "village"), _EVERYBODY),
        **dict.fromkeys(
            ("opened_at", "dispatch_by", "onsite_by", "repair_by", "dispatched_at"), _EVERYBODY
        ),
        **dict.fromkeys(
            ("arrived_at", "repaired_at", "verified_at", "closed_at", "proposed"), _EVERYBODY
        ),
        **dict.fromkeys(("escalations", "alerts", "measures", "parts"), _EVERYBODY),
        **dict.fromkeys(("household", "crew", "payer", "score"), _NOT_THE_MAKER),
        **dict.fromkeys(("fault", "summary"), _EVERYBODY),  # of a call: words of a person
        **dict.fromkeys(("caller", "complaints"), _WHO_CALLS_BACK),
    }
)
"""By field of a ticket: the roles that see it."""

SEES_DETAIL: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        **dict.fromkeys(("alert", "rule", "code", "from", "to", "stage", "due"), _EVERYBODY),
        **dict.fromkeys(("measures", "parts", "fault", "event", "source", "until"), _EVERYBODY),
        **dict.fromkeys(("score", "crew", "payer", "called_at", "text"), _NOT_THE_MAKER),
        **dict.fromkeys(("caller", "phone", "note", "why", "reason"), _WHO_CALLS_BACK),
    }
)
"""By detail of an event in the audit trail: the roles that see it. Others are for nobody else."""

SEES_DEVICE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        **dict.fromkeys(("id", "district", "town", "village", "gateway", "listed"), _EVERYBODY),
        **dict.fromkeys(("profile", "brand", "bus", "address"), _EVERYBODY),
        **dict.fromkeys(("last_at", "last_heard", "state", "values"), _EVERYBODY),
        "household": _NOT_THE_MAKER,
        **dict.fromkeys(("out_of_service.since", "out_of_service.until"), _EVERYBODY),
        **dict.fromkeys(("out_of_service.reason", "out_of_service.by"), _WHO_CALLS_BACK),
    }
)
"""By field of a device: the roles that see it."""

SEES_ALERT: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        **dict.fromkeys(("v", "id", "rule", "code", "priority", "state", "text"), _EVERYBODY),
        **dict.fromkeys(("subject", "subject_kind", "brand", "children"), _EVERYBODY),
        **dict.fromkeys(("district", "town", "village"), _EVERYBODY),
        **dict.fromkeys(("onset", "raised_at", "cleared_at"), _EVERYBODY),
        **dict.fromkeys(("value", "limit", "unit", "cause", "ticket"), _EVERYBODY),
        **dict.fromkeys(("shelved_until", "out_of_service_until"), _EVERYBODY),
        "household": _NOT_THE_MAKER,
        "acknowledged_by": _WHO_CALLS_BACK,
    }
)
"""By field of an alert: the roles that see it."""

WORDS_OF_A_CALL: Final = ("fault", "summary")
"""Fields that hold the words of a person where a call opened the ticket: not for the maker."""


def may(scope: Scope, act: Act) -> bool:
    """Whether the role of `scope` may do `act` at all."""
    return scope.role in MAY[act]


def check_right(scope: Scope, act: Act, fields: Iterable[str] = ()) -> None:
    """Raise ActRefusedError unless the role may do `act` and set each of `fields`."""
    allowed = MAY[act].get(scope.role)
    if allowed is None:
        message = f"a {scope.role} account may not {act.replace('_', ' ')}; ask the control room"
        raise ActRefusedError("not_permitted", message)
    refused = sorted(set(fields) - allowed)
    if refused:
        message = f"a {scope.role} account may not set {', '.join(refused)} with {act}"
        raise ActRefusedError("not_permitted", message)


def seen_ticket(scope: Scope, ticket: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a ticket's document that the role sees; the others are null or empty."""
    role = scope.role
    of_a_call = ticket["source"] != "telemetry" and role == "manufacturer"
    hidden = {name for name, roles in SEES.items() if role not in roles}
    hidden |= set(WORDS_OF_A_CALL) if of_a_call else set()
    seen = {
        name: _nothing_like(value) if name in hidden else value for name, value in ticket.items()
    }
    if "events" in seen:
        seen["events"] = [_seen_event(role, event) for event in ticket["events"]]
    return seen


def seen_alert(scope: Scope, alert: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an alert's document that the role sees; the others are null."""
    return {
        name: value if scope.role in SEES_ALERT.get(name, _WHO_CALLS_BACK) else None
        for name, value in alert.items()
    }


def seen_device(scope: Scope, device: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a device's document that the role sees; the others are null."""
    return {name: _seen_of_device(scope.role, name, value) for name, value in device.items()}


def _seen_of_device(role: str, name: str, value: Any) -> Any:
    if name == "out_of_service" and value is not None:
        return {part: _seen_of_device(role, f"{name}.{part}", each) for part, each in value.items()}
    return value if role in SEES_DEVICE.get(name, _EVERYBODY) else None


def _seen_event(role: str, event: Mapping[str, Any]) -> dict[str, Any]:
    details = {
        name: value
        for name, value in event["details"].items()
        if role in SEES_DETAIL.get(name, _WHO_CALLS_BACK)
    }
    return {**event, "details": details}


def _nothing_like(value: Any) -> Any:
    """The empty value of the same shape: readers find every field of the contract."""
    if isinstance(value, Mapping):
        return {name: _nothing_like(each) for name, each in value.items()}
    return [] if isinstance(value, list) else None
