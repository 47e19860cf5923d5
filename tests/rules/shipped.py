"""The rules of config/rules, and short ways to write readings."""

import tomllib
from pathlib import Path
from typing import Any, Final

from rules.definition import parse_rule
from rules.document.rule import Rule
from wire.messages import Reading
from wire.points import State
from wire.topics import GatewayPath

RULES_FOLDER: Final = Path(__file__).parent.parent.parent / "config" / "rules"
T0: Final = 1_763_740_000_000
PLACE: Final = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")


def document(name: str) -> dict[str, Any]:
    """The document of config/rules/<name>.toml."""
    return tomllib.loads((RULES_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def shipped(name: str, **changes: object) -> Rule:
    """One shipped rule, with some keys written anew."""
    return parse_rule(document(name))[0].with_overrides(changes)


def shipped_tables() -> list[dict[str, Any]]:
    """The table of every shipped rule."""
    return [
        table
        for file in sorted(RULES_FOLDER.glob("*.toml"))
        for table in document(file.stem)["rule"]
    ]


def shipped_rules() -> list[Rule]:
    """All shipped rules."""
    return [
        rule
        for file in sorted(RULES_FOLDER.glob("*.toml"))
        for rule in parse_rule(document(file.stem))
    ]


def reading(
    at: int,
    room: float | None = None,
    *,
    device: str = "mtg-mt-0001",
    state: State = "heating",
    faults: tuple[str, ...] = (),
    bad: tuple[str, ...] = (),
) -> tuple[GatewayPath, Reading]:
    """A reading at `at`, UTC ms."""
    values = {} if room is None else {"room_c": room}
    return PLACE, Reading(device, at, state, list(faults), values, list(bad))
