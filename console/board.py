"""What stands on the board: alerts and tickets as the API gives them, made ready for the page. Pure
functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alerts.store.attention import PRIORITIES
from desk.tickets.life_cycle import TRANSITIONS

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
_FORWARD: Final = {
    state: event for (state, event), after in TRANSITIONS.items() if after in (*STEPS[1:], "closed")
}


@dataclass(frozen=True, slots=True)
class Clock:
    """The deadline that runs now: its stage, when the clock was started and when it is due (UTC
    ms)."""

    stage: str
    opened: int
    due: int


def running_clock(ticket: Mapping[str, Any]) -> Clock | None:
    """The deadline a ticket is working towards; None once it is repaired."""
    running = _CLOCKS.get(ticket["state"])
    return None if running is None else Clock(running[0], ticket["opened_at"], ticket[running[1]])


def ticket_rows(tickets: Sequence[Document]) -> list[Document]:
    """Tickets with their running clock, their place in the steps, and the event that takes them
    forward."""
    return [
        {
            **ticket,
            "clock": running_clock(ticket),
            "step": STEPS.index(ticket["state"]),
            "next_event": _FORWARD.get(ticket["state"]),
        }
        for ticket in tickets
    ]


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
