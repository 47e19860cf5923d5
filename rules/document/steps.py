"""Steps of an alert: further limits, each with the priority that the alert then gets."""

from dataclasses import dataclass

from rules.document import parse
from rules.document.tables import parse_list
from wire.messages import Priority


@dataclass(frozen=True, slots=True)
class PriorityStep:
    """A further limit at which an active alert gets another priority."""

    limit: float
    priority: Priority


def parse_steps(value: object) -> tuple[PriorityStep, ...]:
    """A list of tables of `limit` and `priority`, possibly empty."""
    return tuple(parse_list(value, _parse_step, '{ limit = 16.0, priority = "high" }', least=0))


def _parse_step(table: object) -> PriorityStep:
    if not isinstance(table, dict) or table.keys() != {"limit", "priority"}:
        raise ValueError("write a table with limit and priority")
    return PriorityStep(parse.number(table["limit"]), parse.priority(table["priority"]))
