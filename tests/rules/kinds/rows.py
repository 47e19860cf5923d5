"""Short ways to feed one rule, written as a table, with rows of readings."""

from collections.abc import Sequence
from typing import Any, Final

from rules.definition import parse_rule
from rules.document.problems import RuleErrors
from rules.engine.engine import Engine
from rules.transitions.transition import Transition
from tests.rules.shipped import PLACE, T0
from wire.messages import Reading
from wire.units import MINUTE_MS

TEXTS: Final = {"zh": "{device}", "en": "{device}"}
DEVICE: Final = "mtg-mt-0001"

Row = dict[str, Any]
"""The points of a reading, beside `minute`, `state`, `faults` and `bad`."""


def engine_of(table: dict[str, Any]) -> Engine:
    """An engine with the one rule of `table`, whose id, priority and sentences are filled in."""
    return Engine(parse_rule({"rule": [filled(table)]}))


def filled(table: dict[str, Any]) -> dict[str, Any]:
    """`table` with id, priority and sentences."""
    return {"id": "tested", "priority": "low", "text": TEXTS, "cleared": TEXTS, **table}


def mistakes(table: dict[str, Any]) -> list[str]:
    """The keys at fault in a rule."""
    try:
        parse_rule({"rule": [filled(table)]})
    except RuleErrors as error:
        return [key.removeprefix("rule[0].") for key, _ in error.problems]
    return []


def feed(engine: Engine, rows: Sequence[Row], device: str = DEVICE) -> list[Transition]:
    """What the rows lead to; each comes a minute after the one before unless it has a `minute`."""
    reported: list[Transition] = []
    minute = -1.0
    for row in rows:
        values = dict(row)
        minute = values.pop("minute", minute + 1)
        at = T0 + round(minute * MINUTE_MS)
        state, faults, bad = (
            values.pop("state", "heating"),
            values.pop("faults", []),
            values.pop("bad", []),
        )
        reported += engine.observe(
            [(PLACE, Reading(device, at, state, list(faults), values, list(bad)))], at
        )
    return reported


def edges(reported: Sequence[Transition]) -> list[tuple[str, float]]:
    """Which edge came in which minute."""
    return [(one.edge, (one.at - T0) / MINUTE_MS) for one in reported]
