"""The life of a ticket (contract §8): one transition table, and the clocks beside it; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, get_args

from desk.tickets.terms import ServiceProfile
from wire.messages import PRIORITIES

TicketState = Literal[
    "open", "dispatched", "on_site", "repaired", "verified", "closed", "cancelled"
]
TicketEvent = Literal["dispatch", "arrive", "repair", "verify", "close", "reopen", "cancel", "note"]
Stage = Literal["dispatch", "onsite", "repair"]
TicketKind = Literal[
    "device_fault",
    "low_room_temperature",
    "defrost",
    "offline",
    "village_outage",
    "complaint",
    "inspection",
    "policy_question",
]
TicketSource = Literal["telemetry", "hotline_12345", "town_hotline", "app", "visit", "other"]

STATES: Final[tuple[str, ...]] = get_args(TicketState)
EVENTS: Final[tuple[str, ...]] = get_args(TicketEvent)
KINDS: Final[tuple[str, ...]] = get_args(TicketKind)
FINAL: Final = frozenset({"closed", "cancelled"})
RANK: Final[Mapping[str, int]] = {name: rank for rank, name in enumerate(PRIORITIES)}
"""Priorities by urgency, the highest 0."""
CLEARED_EARLY: Final = "cleared_before_dispatch"
"""Why a ticket is proposed for closing (contract §19)."""

TRANSITIONS: Final[MappingProxyType[tuple[TicketState, TicketEvent], TicketState]] = (
    MappingProxyType(
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
)

IF_PROPOSED: Final[MappingProxyType[tuple[TicketState, TicketEvent], TicketState]] = (
    MappingProxyType({("open", "close"): "closed"})
)
"""Steps beside the table for a ticket that is proposed for closing: nobody was sent."""

# A household that calls about one of these says "no heat": the call joins the case that telemetry
# has opened.
HEAT_KINDS: Final[tuple[TicketKind, ...]] = (
    "device_fault",
    "low_room_temperature",
    "defrost",
    "offline",
)


class IllegalTransitionError(ValueError):
    """A step the ticket's state does not allow; `reason` says so in words for the caller."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Ticket:
    """What decides a ticket's next step; all times UTC ms.

    Each stage keeps the time at which it was first reached. `proposed_at` is since when it is
    proposed for closing; its clocks stand still from then on.
    """

    id: str
    state: TicketState
    opened_at: int
    dispatch_by: int
    onsite_by: int
    repair_by: int
    dispatched_at: int | None = None
    arrived_at: int | None = None
    repaired_at: int | None = None
    verified_at: int | None = None
    closed_at: int | None = None
    proposed_at: int | None = None
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


def step(ticket: Ticket, event: TicketEvent, now: int) -> Ticket:
    """The ticket after `event`; a note changes the version alone.

    Every other event ends a proposal. Raises IllegalTransitionError.
    """
    if event == "note":
        return replace(ticket, version=ticket.version + 1)
    state = _table(ticket.proposed_at is not None).get((ticket.state, event))
    if state is None:
        raise IllegalTransitionError(
            f"a ticket that is {ticket.state} cannot {event}; {_allowed(ticket)}"
        )
    changed = replace(run_on(ticket, now), version=ticket.version + 1)
    return _stamp(replace(changed, state=state), event, now)


def allowed_events(state: TicketState, *, proposed: bool = False) -> tuple[TicketEvent, ...]:
    """The events that move a ticket in `state`, in the order of the table.

    `proposed` says whether it is proposed for closing; what that allows stands first.
    """
    return tuple(event for start, event in _table(proposed) if start == state)


def _table(proposed: bool) -> Mapping[tuple[TicketState, TicketEvent], TicketState]:
    return {**IF_PROPOSED, **TRANSITIONS} if proposed else TRANSITIONS


def _allowed(ticket: Ticket) -> str:
    events = allowed_events(ticket.state, proposed=ticket.proposed_at is not None)
    return f"possible now: {', '.join(events)}"


def may_be_proposed(ticket: Ticket) -> bool:
    """Whether the ticket can be proposed for closing: nobody was sent, and it is not yet."""
    return ticket.state == "open" and ticket.dispatched_at is None and ticket.proposed_at is None


def propose_close(ticket: Ticket, now: int) -> Ticket:
    """The ticket as proposed for closing; its clocks stand still."""
    assert may_be_proposed(ticket), "a ticket is proposed for closing while somebody is sent"
    return replace(ticket, proposed_at=now, version=ticket.version + 1)


def run_on(ticket: Ticket, now: int) -> Ticket:
    """The ticket without the proposal: clocks that stood still run on, later by that time."""
    since = ticket.proposed_at
    if since is None:
        return ticket
    dispatch, onsite, repair = (
        due if due < since else due + now - since
        for due in (ticket.dispatch_by, ticket.onsite_by, ticket.repair_by)
    )
    return replace(
        ticket,
        proposed_at=None,
        dispatch_by=dispatch,
        onsite_by=onsite,
        repair_by=repair,
        version=ticket.version + 1,
    )


def _stamp(ticket: Ticket, event: TicketEvent, now: int) -> Ticket:
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
            # Reopened: the repair did not hold. The response times of the first visit stay.
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
    """When a stage's clock stopped: at the stage, at the ticket's proposal or end, or not yet."""
    if reached is not None:
        return reached
    if ticket.proposed_at is not None:
        return ticket.proposed_at
    return ticket.closed_at if ticket.closed_at is not None else now


def case_key(kind: str, *path: str) -> str:
    """Names a case, of which only one may be open: a kind of fault at `path`, outermost first.

    A slash within a name is written %2F, so that no two paths read alike.
    """
    return "/".join(name.replace("%", "%25").replace("/", "%2F") for name in (*path, kind))
