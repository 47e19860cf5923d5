"""A rule as data: what every kind has in common, and how its keys are read and checked."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from math import isfinite
from string import Formatter
from typing import Any, ClassVar, Final, Self, get_args

from wire.durations import parse_duration
from wire.identifiers import is_name
from wire.messages import Priority
from wire.points import POINTS

LANGUAGES: Final = ("zh", "en")
ADVICE: Final = ("meaning", "household", "crew")
"""What it means, first checks for the household or the village's grid-worker, and for the crew."""
TICKETS: Final = (
    "device_fault",
    "low_room_temperature",
    "defrost",
    "offline",
    "village_outage",
    "inspection",
)
"""The kinds of ticket (contract §8) that a machine may open; the others come from people."""

PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)

Problem = tuple[str, str]
Texts = Mapping[str, str]


class RuleErrors(ValueError):  # noqa: N818 - a state or an answer, not a mistake of ours
    """Every mistake of a rule document, as (dotted key, what to do)."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(
            "\n".join(f"{key}: {message}" if key else message for key, message in problems)
        )
        self.problems = problems

    def below(self, key: str) -> list[Problem]:
        """The same mistakes, seen from outside the table or list that stands under `key`."""
        return [(_join(key, inner), message) for inner, message in self.problems]


@contextmanager
def noting(problems: list[Problem], key: str) -> Iterator[None]:
    """What is wrong with what stands under `key` joins `problems` instead of ending the reading."""
    try:
        yield
    except RuleErrors as error:
        problems += error.below(key)
    except ValueError as error:
        problems.append((key, str(error)))


def _join(outer: str, inner: str) -> str:
    return f"{outer}{inner}" if not inner or inner.startswith("[") else f"{outer}.{inner}"


def key(parse: Callable[[Any], object], default: object = MISSING) -> Any:
    """A field that is a key of the rule document, read by `parse`, which raises ValueError saying
    what to write.

    A field `x_ms` is written as `x` in the document, with a duration.
    """
    if default is MISSING:
        return field(metadata={"parse": parse})
    return field(default=default, metadata={"parse": parse})


def key_name(spec: Field[Any]) -> str:
    """What the field is called in a rule document."""
    return spec.name.removesuffix("_ms")


def duration(value: object) -> int:
    """Milliseconds, written as `500ms 30s 10m 2h 7d`."""
    if not isinstance(value, str):
        raise ValueError("write a duration in quotes, like 500ms 30s 10m 2h 7d")
    return parse_duration(value)


def flag(value: object) -> bool:
    """`true` or `false`."""
    if not isinstance(value, bool):
        raise ValueError("write true or false")
    return value


def number(value: object) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError("write a number")
    return float(value)


def positive(value: object) -> float:
    """A number above zero."""
    if (parsed := number(value)) <= 0:
        raise ValueError("write a number above 0")
    return parsed


def not_negative(value: object) -> float:
    """A number from zero."""
    if (parsed := number(value)) < 0:
        raise ValueError("write a number from 0")
    return parsed


def share(value: object) -> float:
    """A part of one, above 0 and at most 1."""
    if not 0 < (parsed := number(value)) <= 1:
        raise ValueError("write a part of one, above 0 and at most 1")
    return parsed


def count(value: object) -> int:
    """A whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("write a whole number from 1")
    return value


def point(value: object) -> str:
    """The name of a point of contract §4."""
    if not isinstance(value, str) or value not in POINTS:
        raise ValueError(f"{value!r} is not a point; known are {', '.join(POINTS)}")
    return value


def points(value: object) -> tuple[str, ...]:
    """Names of points, none twice."""
    if not isinstance(value, list) or not value or len(set(map(str, value))) < len(value):
        raise ValueError('write a list of points like ["supply_c", "return_c"], none twice')
    return tuple(point(name) for name in value)


def priority(value: object) -> Priority:
    """`urgent`, `high`, `medium` or `low`."""
    for known in PRIORITIES:
        if value == known:
            return known
    raise ValueError(f"{value!r} is not a priority; write one of {', '.join(PRIORITIES)}")


def rule_id(value: object) -> str:
    """A rule id (contract §1)."""
    if not isinstance(value, str) or not is_name(value):
        raise ValueError(f"{value!r} is not a rule id; use 1 to 48 of a-z 0-9 _")
    return value


def ticket(value: object) -> str:
    """The kind of ticket that an alert opens (contract §8)."""
    if not isinstance(value, str) or value not in TICKETS:
        raise ValueError(f"{value!r} is not a kind of ticket; write one of {', '.join(TICKETS)}")
    return value


def rule_ids(value: object) -> tuple[str, ...]:
    """A list of rule ids."""
    if not isinstance(value, list):
        raise ValueError('write a list of rule ids like ["fault"]')
    return tuple(rule_id(name) for name in value)


def texts(value: object) -> Texts:
    """A sentence in every language of the console."""
    if not isinstance(value, dict):
        raise ValueError(f"write a table with {' and '.join(LANGUAGES)}")
    problems = [
        (name, f"unknown language; known are {', '.join(LANGUAGES)}")
        for name in value.keys() - {*LANGUAGES}
    ]
    problems += [
        (name, "write a sentence")
        for name in LANGUAGES
        if not isinstance(value.get(name), str) or not value[name]
    ]
    if problems:
        raise RuleErrors(sorted(problems))
    return {name: value[name] for name in LANGUAGES}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What every rule has: id, kind, priority, and its sentences while active and once cleared.

    The sentences may hold the placeholders named by `placeholders`, like `{value}`. What it means,
    and the first checks for the household (or the village's grid-worker) and for the crew are plain
    text; a rule may go without.

    `ticket` is the kind of ticket its alerts open, None for none. An alert that begins while one of
    a rule in `follows` is active on the same device is taken to follow from it, and joins its
    ticket.
    """

    placeholders: ClassVar[frozenset[str]] = frozenset()

    id: str = key(rule_id)
    kind: str = key(str)
    priority: Priority = key(priority)
    text: Texts = key(texts)
    cleared: Texts = key(texts)
    ticket: str | None = key(ticket, None)
    follows: tuple[str, ...] = key(rule_ids, ())
    meaning: Texts | None = key(texts, None)
    household: Texts | None = key(texts, None)
    crew: Texts | None = key(texts, None)

    @property
    def unit(self) -> str | None:
        """The unit of a transition's value and limit."""
        return None

    def advice(self, code: str | None) -> dict[str, Texts]:
        """What an alert of `code` means and what to check first, as far as the rule says: see
        ADVICE."""
        found = {name: getattr(self, name) for name in ADVICE}
        return {name: said for name, said in found.items() if said is not None}

    def with_overrides(self, changes: Mapping[str, object]) -> Self:
        """This rule with some keys written anew, as in `[rules.override.<id>]`; raises
        RuleErrors."""
        fixed = [(name, "cannot be overridden") for name in ("id", "kind") if name in changes]
        if fixed:
            raise RuleErrors(fixed)
        values, problems = read_keys(type(self), changes)
        if problems:
            raise RuleErrors(problems)
        changed = replace(self, **values)
        if problems := changed.problems():
            raise RuleErrors(problems)
        return changed

    def problems(self) -> list[Problem]:
        """What is wrong between keys that are each good alone."""
        return [
            (f"{name}.{language}", problem)
            for name, templates in self.templates().items()
            for language, template in templates.items()
            for problem in template_problems(template, self.placeholders)
        ]

    def templates(self) -> dict[str, Texts]:
        """The sentences with placeholders, by key."""
        return {"text": self.text, "cleared": self.cleared}


def template_problems(template: str, allowed: frozenset[str]) -> list[str]:
    """What is wrong with a sentence that may hold the placeholders `allowed`."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        return [f"{error}; write {{{{ and }}}} for braces"]
    unknown = {name for _, name, _, _ in parts if name is not None} - allowed
    known = ", ".join(f"{{{name}}}" for name in sorted(allowed))
    return [f"unknown placeholder {{{name}}}; known are {known}" for name in sorted(unknown)]


def read_keys(
    model: type[Rule], document: Mapping[str, object]
) -> tuple[dict[str, Any], list[Problem]]:
    """The field values given in `document`, and a problem for every key that is unknown or badly
    written."""
    specs = {key_name(spec): spec for spec in fields(model)}
    values: dict[str, Any] = {}
    problems = [
        (name, f"unknown key; known are {', '.join(specs)}")
        for name in document
        if name not in specs
    ]
    for name, spec in specs.items():
        if name not in document:
            continue
        with noting(problems, name):
            values[spec.name] = spec.metadata["parse"](document[name])
    return values, problems


def missing_keys(model: type[Rule], document: Mapping[str, object]) -> list[Problem]:
    """A problem for every key that a rule of this kind must have and `document` has not."""
    needed = (
        spec
        for spec in fields(model)
        if spec.default is MISSING and spec.default_factory is MISSING
    )
    return [(key_name(spec), "missing") for spec in needed if key_name(spec) not in document]
