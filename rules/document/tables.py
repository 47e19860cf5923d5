"""Tables and lists of tables inside a rule document, with every mistake named by its key."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from rules.document import parse
from rules.document.problems import RuleErrors, RuleProblem, noting
from wire.suggestions import suggestion

Entry = TypeVar("Entry")

Keys = Mapping[str, tuple[str, Callable[[Any], object]]]
"""By key of a table: the name of its value, and its parser, which raises ValueError."""


def parse_list(
    value: object, parser: Callable[[object], Entry], example: str, *, least: int = 1
) -> list[Entry]:
    """Every entry of a list of at least `least`, each through `parser`.

    Raises RuleErrors with the mistakes by position, ValueError for a value that is no such list.
    """
    if not isinstance(value, list) or len(value) < least:
        raise ValueError(f"write a list of tables like {example}")
    entries: list[Entry] = []
    problems: list[RuleProblem] = []
    for position, entry in enumerate(value):
        with noting(problems, f"[{position}]"):
            entries.append(parser(entry))
    if problems:
        raise RuleErrors(problems)
    return entries


def read_table(
    table: object, keys: Keys, needed: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, object], list[RuleProblem]]:
    """The values of a table's known keys by name, its other keys, and its mistakes.

    A mistake is an invalid key, or a missing one of `needed`. Raises ValueError for a value that is
    no table.
    """
    if not isinstance(table, dict):
        raise ValueError("write a table")
    values: dict[str, Any] = {}
    problems: list[RuleProblem] = [(key, "missing") for key in needed if key not in table]
    for key in table.keys() & keys.keys():
        name, parser = keys[key]
        with noting(problems, key):
            values[name] = parser(table[key])
    rest = {key: entry for key, entry in table.items() if key not in keys}
    return values, rest, problems


def parse_table(table: object, keys: Keys, needed: Collection[str] = ()) -> dict[str, Any]:
    """The values of a table by name; raises RuleErrors for unknown, invalid and missing keys."""
    values, rest, problems = read_table(table, keys, needed)
    problems += [(name, f"unknown key; {suggestion(name, keys)}") for name in rest]
    if problems:
        raise RuleErrors(sorted(problems))
    return values


def parse_table_with_texts(
    table: object, keys: Keys, name: str, needed: Collection[str] = ()
) -> dict[str, Any]:
    """The same for a table whose other keys are the languages of the texts `name`."""
    values, rest, problems = read_table(table, keys, needed)
    try:
        values[name] = parse.texts(rest)
    except RuleErrors as error:
        problems += error.problems
    if problems:
        raise RuleErrors(sorted(problems))
    return values
