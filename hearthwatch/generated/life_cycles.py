"""The life cycles of alerts and tickets as one page of Mermaid diagrams, from their tables."""

from collections.abc import Iterable, Sequence
from typing import Final, get_args

from alerts.core import life
from desk.tickets import life_cycle

Edges = Iterable[tuple[tuple[str, str], str]]
"""What a table holds: (state, event) and the state that follows."""

_HEAD: Final = """# Life cycles

Made from the tables in the code by `make format`; `make check` holds it in date. An event that a
diagram does not show for a state changes nothing, or is refused where a person asked for it.
The words are those of [the glossary](glossary.md)."""


def page() -> str:
    """The page: an alert's alarm state, its attention state beside it, and a ticket's state."""
    alert = life.TRANSITIONS.items()
    ticket = [*life_cycle.TRANSITIONS.items(), *_if_proposed()]
    parts = [
        _HEAD,
        _section("Alarm state of an alert", "alerts/core/life.py", "normal", alert),
        _section("Attention state of an alert", "alerts/core/life.py", "in_view", alert),
        _section("State of a ticket", "desk/tickets/life_cycle.py", "open", ticket),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, source: str, first: str, edges: Edges) -> str:
    states = _states_with(first)
    diagram = _diagram(first, [edge for edge in edges if edge[0][0] in states])
    return f"## {title}\n\nFrom `TRANSITIONS` in `{source}`.\n\n{diagram}"


def _if_proposed() -> Edges:
    """The steps that only a proposal allows, marked so."""
    for (start, event), end in life_cycle.IF_PROPOSED.items():
        yield (start, f"{event}, if proposed"), end


def _states_with(first: str) -> Sequence[str]:
    """The states of the life cycle that begins in `first`."""
    cycles = (life.AlarmState, life.AttentionState, life_cycle.TicketState)
    return next(get_args(cycle) for cycle in cycles if first in get_args(cycle))


def _diagram(first: str, edges: Edges) -> str:
    lines = [f"    {start} --> {end}: {event}" for (start, event), end in edges]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *lines, "```"])
