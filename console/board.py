"""Alerts and tickets, as the API gives them, made ready for the board; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api import PRIORITIES

Document = dict[str, Any]

# console "alert list": shape, word and colour say the same thing, so that it survives greyscale.
SHAPES: Final = {"urgent": "▲", "high": "◆", "medium": "■", "low": "●"}

PLOTTED: Final = {"supply_c": "c", "return_c": "c", "room_c": "c", "outdoor_c": "c", "power_w": "w"}
"""The five points of a device's plot (console "device"), and their unit."""

STEPS: Final = ("open", "dispatched", "on_site", "repaired", "verified")

_CLOCKS: Final = {
    "open": ("dispatch", "dispatch_by"),
    "dispatched": ("onsite", "onsite_by"),
    "on_site": ("repair", "repair_by"),
}
_FORWARD: Final = ("dispatch", "arrive", "repair", "verify", "close")


@dataclass(frozen=True, slots=True)
class RunningClock:
    """The deadline that runs now: its stage, when its clock started and when it is due (UTC ms)."""

    stage: str
    opened: int
    due: int


def running_clock(ticket: Mapping[str, Any]) -> RunningClock | None:
    """The deadline a ticket is working towards; None once it is repaired, or may be closed."""
    running = None if ticket.get("proposed") else _CLOCKS.get(ticket["state"])
    return (
        None
        if running is None
        else RunningClock(running[0], ticket["opened_at"], ticket[running[1]])
    )


def ticket_rows(tickets: Sequence[Document]) -> list[Document]:
    """Tickets with their running clock, their position in the steps, and their next event."""
    return [
        {
            **ticket,
            "clock": running_clock(ticket),
            "step": STEPS.index(ticket["state"]),
            "next_event": _forward(ticket),
        }
        for ticket in tickets
    ]


def _forward(ticket: Mapping[str, Any]) -> str | None:
    """The event that takes a ticket forward: what is proposed, or else what its state allows."""
    proposed = (ticket.get("proposed") or {}).get("event")
    if proposed in ticket["events"]:
        return str(proposed)
    return next((event for event in _FORWARD if event in ticket["events"]), None)


def alert_rows(alerts: Sequence[Document], tickets: Sequence[Document]) -> list[Document]:
    """Alerts with the running clock of their ticket."""
    clocks = {ticket["id"]: running_clock(ticket) for ticket in tickets}
    return [
        {
            **alert,
            "is_device": alert["subject_kind"] == "device",
            "clock": clocks.get(alert["ticket"]),
        }
        for alert in alerts
    ]


def counts(summary: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Active and unacknowledged alerts for each priority, the missing ones as 0."""
    return {
        priority: {
            "active": summary["alerts"].get(priority, 0),
            "unacknowledged": summary["unacknowledged"].get(priority, 0),
        }
        for priority in PRIORITIES
    }
