"""The life of a ticket, as pure functions (contract §8): a transition table, its clocks, and who
gets one."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, cast, get_args
from zoneinfo import ZoneInfo

from rules.document.rule import Rule
from wire.units import HOUR_MS, MINUTE_MS

State = Literal["open", "dispatched", "on_site", "repaired", "verified", "closed", "cancelled"]
Event = Literal["dispatch", "arrive", "repair", "verify", "close", "reopen", "cancel", "note"]
Stage = Literal["dispatch", "onsite", "repair"]
Kind = Literal[
    "device_fault",
    "low_room_temperature",
    "defrost",
    "offline",
    "village_outage",
    "complaint",
    "inspection",
    "policy_question",
]
Source = Literal["telemetry", "hotline_12345", "town_hotline", "app", "visit", "other"]

STATES: Final[tuple[str, ...]] = get_args(State)
EVENTS: Final[tuple[str, ...]] = get_args(Event)
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
KINDS: Final[tuple[str, ...]] = get_args(Kind)
SOURCES: Final[tuple[str, ...]] = get_args(Source)
FINAL: Final = frozenset({"closed", "cancelled"})

TRANSITIONS: Final[MappingProxyType[tuple[State, Event], State]] = MappingProxyType(
    {
        ("open", "dispatch"): "dispatched",
        ("open", "cancel"): "cancelled",
        ("dispatched", "arrive"): "on_site",
        ("dispatched", "cancel"): "cancelled",
        ("on_site", "repair"): "repaired",
        ("on_site", "cancel"): "cancelled",
        ("repaired", "verify"): "verified",
        ("repaired", "reopen"): "open",
        ("verified", "close"): "closed",
        ("verified", "reopen"): "open",
        ("closed", "reopen"): "open",
        ("cancelled", "reopen"): "open",
    }
)

# What a household that calls means by "no heat": such a call joins the case telemetry has already
# opened.
HEAT_KINDS: Final[tuple[Kind, ...]] = ("device_fault", "low_room_temperature", "defrost", "offline")

_DISPLAY: Final = ZoneInfo("Asia/Shanghai")


class IllegalTransitionError(ValueError):
    """A step the ticket's state does not allow; `reason` says so in words for the caller."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ServiceProfile:
    """The three clocks in ms from `opened_at`; features row 5: dispatch 10 min, on site 2 h,
    repaired 4 h."""

    dispatch_ms: int = 10 * MINUTE_MS
    onsite_ms: int = 2 * HOUR_MS
    repair_ms: int = 4 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Practice:
    """How alerts become tickets: the clocks, and by rule id the kind of ticket and the rules it may
    follow from."""

    profile: ServiceProfile
    kinds: Mapping[str, Kind]
    follows: Mapping[str, Collection[str]]


def practice_of(rules: Iterable[Rule], profile: ServiceProfile) -> Practice:
    """What `rules` say of their tickets, with the clocks of `profile`."""
    known = list(rules)
    kinds = {rule.id: cast("Kind", rule.ticket) for rule in known if rule.ticket is not None}
    return Practice(profile, kinds, {rule.id: rule.follows for rule in known})


@dataclass(frozen=True, slots=True)
class Ticket:
    """What decides a ticket's next step: its state, deadlines, and when each stage was first
    reached (UTC ms)."""

    id: str
    state: State
    opened_at: int
    dispatch_by: int
    onsite_by: int
    repair_by: int
    dispatched_at: int | None = None
    arrived_at: int | None = None
    repaired_at: int | None = None
    verified_at: int | None = None
    closed_at: int | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline that has passed without its stage being reached in time."""

    stage: Stage
    due: int


def open_ticket(ticket_id: str, opened_at: int, profile: ServiceProfile) -> Ticket:
    """A new ticket; its clocks start at `opened_at`."""
    return Ticket(
        id=ticket_id,
        state="open",
        opened_at=opened_at,
        dispatch_by=opened_at + profile.dispatch_ms,
        onsite_by=opened_at + profile.onsite_ms,
        repair_by=opened_at + profile.repair_ms,
    )


def step(ticket: Ticket, event: Event, now: int) -> Ticket:
    """The ticket after `event`; raises IllegalTransitionError. A note changes nothing but the
    version."""
    changed = replace(ticket, version=ticket.version + 1)
    if event == "note":
        return changed
    state = TRANSITIONS.get((ticket.state, event))
    if state is None:
        raise IllegalTransitionError(
            f"a ticket that is {ticket.state} cannot {event}; {_allowed(ticket.state)}"
        )
    return _stamp(replace(changed, state=state), event, now)


def allowed_events(state: State) -> tuple[Event, ...]:
    """The events that move a ticket in `state`, in the order of the table."""
    return tuple(event for start, event in TRANSITIONS if start == state)


def _allowed(state: State) -> str:
    return f"possible now: {', '.join(allowed_events(state))}"


def _stamp(ticket: Ticket, event: Event, now: int) -> Ticket:
    match event:
        case "dispatch":
            return replace(ticket, dispatched_at=_first(ticket.dispatched_at, now))
        case "arrive":
            return replace(ticket, arrived_at=_first(ticket.arrived_at, now))
        case "repair":
            return replace(ticket, repaired_at=now)
        case "verify":
            return replace(ticket, verified_at=now)
        case "close" | "cancel":
            return replace(ticket, closed_at=now)
        case _:
            # Reopened: the repair did not hold. The response times of the first visit stay what
            # they were.
            return replace(ticket, repaired_at=None, verified_at=None, closed_at=None)


def _first(stamp: int | None, now: int) -> int:
    return now if stamp is None else stamp


def passed_deadlines(ticket: Ticket, now: int) -> list[Due]:
    """Every deadline that passed at or before `now` before its stage was reached, first to last."""
    clocks: tuple[tuple[Stage, int, int | None], ...] = (
        ("dispatch", ticket.dispatch_by, ticket.dispatched_at),
        ("onsite", ticket.onsite_by, ticket.arrived_at),
        ("repair", ticket.repair_by, ticket.repaired_at),
    )
    return [Due(stage, due) for stage, due, reached in clocks if due < _until(ticket, reached, now)]


def _until(ticket: Ticket, reached: int | None, now: int) -> int:
    """Until when a stage's clock ran: to the stage, to the end of a ticket without it, or to
    now."""
    if reached is not None:
        return reached
    return ticket.closed_at if ticket.closed_at is not None else now


def case_key(kind: str, *path: str) -> str:
    """What may have one open ticket: a kind of fault of what stands at `path`, outermost first."""
    return "/".join((*path, kind))


def ticket_day(opened_at: int) -> str:
    """The part of a ticket's id that says the day it was opened in China: `T-20261121-`."""
    return f"T-{datetime.fromtimestamp(opened_at / 1000, _DISPLAY):%Y%m%d}-"


def ticket_id(opened_at: int, number: int) -> str:
    """`T-YYYYMMDD-NNNN`: the `number`th ticket of its day, counted from 1."""
    return f"{ticket_day(opened_at)}{number:04d}"
