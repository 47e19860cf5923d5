"""Tables and lists of tables inside a rule document, read with every mistake named by its key."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from rules.document.rule import Problem, RuleErrors, noting, texts

T = TypeVar("T")

Keys = Mapping[str, tuple[str, Callable[[Any], object]]]
"""By key of a table: the name of the value, and how it is read; a reader raises ValueError saying
what to write."""


def each(value: object, read: Callable[[object], T], example: str, *, least: int = 1) -> list[T]:
    """What `read` makes of every entry of a list of at least so many; raises RuleErrors named by
    position."""
    if not isinstance(value, list) or len(value) < least:
        raise ValueError(f"write a list of tables like {example}")
    found: list[T] = []
    problems: list[Problem] = []
    for position, entry in enumerate(value):
        with noting(problems, f"[{position}]"):
            found.append(read(entry))
    if problems:
        raise RuleErrors(problems)
    return found


def read_table(
    table: object, keys: Keys, needed: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, object], list[Problem]]:
    """The values of the known keys of a table by their names; the rest of it; a problem for each
    wrong or missing key.

    Raises ValueError for what is no table.
    """
    if not isinstance(table, dict):
        raise ValueError("write a table")
    values: dict[str, Any] = {}
    problems: list[Problem] = [(key, "missing") for key in needed if key not in table]
    for key in table.keys() & keys.keys():
        name, read = keys[key]
        with noting(problems, key):
            values[name] = read(table[key])
    rest = {key: entry for key, entry in table.items() if key not in keys}
    return values, rest, problems


def read_table_of_texts(
    table: object, keys: Keys, name: str, needed: Collection[str] = ()
) -> dict[str, Any]:
    """The values of a table whose other keys are the languages of the texts `name`; raises
    RuleErrors."""
    values, rest, problems = read_table(table, keys, needed)
    try:
        values[name] = texts(rest)
    except RuleErrors as error:
        problems += error.problems
    if problems:
        raise RuleErrors(sorted(problems))
    return values
