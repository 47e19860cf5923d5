"""A rule as data: the keys that every kind has, and how a document's keys become its fields."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, ClassVar, Final, Self

from rules.document import parse
from rules.document.problems import RuleErrors, RuleProblem, noting
from rules.document.texts import Texts, templates_problems
from wire.messages import Priority
from wire.suggestions import suggestion

ADVICE: Final = ("meaning", "household", "crew")
"""What an alert means; first checks for the household or grid-worker; first checks for the crew."""


def key(parser: Callable[[Any], object], default: object = MISSING) -> Any:
    """A field that is a key of the rule document; `parser` raises ValueError with what to write.

    A field `x_ms` is the key `x` of the document, a duration. Raises TypeError where `parser` is
    none, as when a field of the class hides the parser of its name.
    """
    if not callable(parser):
        raise TypeError(f"{parser!r} is not a parser; write it as parse.NAME")
    if default is MISSING:
        return field(metadata={"parse": parser})
    return field(default=default, metadata={"parse": parser})


def key_name(spec: Field[Any]) -> str:
    """The key of the rule document that the field is read from."""
    return spec.name.removesuffix("_ms")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What every rule has: id, kind, priority, and its sentences while active and once cleared.

    The sentences may hold the `placeholders` of the kind, like `{value}`. The advice (see ADVICE)
    is plain text, and a rule may go without. `ticket` is the kind of ticket that its alerts open,
    None for none. An alert that begins while an alert of a rule in `follows` is active on the same
    device counts as its consequence and joins its ticket.
    """

    placeholders: ClassVar[frozenset[str]] = frozenset()

    id: str = key(parse.rule_id)
    kind: str = key(str)
    priority: Priority = key(parse.priority)
    text: Texts = key(parse.texts)
    cleared: Texts = key(parse.texts)
    ticket: str | None = key(parse.ticket, None)
    follows: tuple[str, ...] = key(parse.rule_ids, ())
    meaning: Texts | None = key(parse.texts, None)
    household: Texts | None = key(parse.texts, None)
    crew: Texts | None = key(parse.texts, None)

    @property
    def unit(self) -> str | None:
        """The unit of a transition's value and limit."""
        return None

    def advice(self, code: str | None) -> dict[str, Texts]:
        """The advice on an alert of `code`, by name in ADVICE; what the rule lacks is left out."""
        advice = {name: getattr(self, name) for name in ADVICE}
        return {name: texts for name, texts in advice.items() if texts is not None}

    def with_overrides(self, changes: Mapping[str, object]) -> Self:
        """This rule with the keys of `changes` replaced, as `[rules.override.<id>]` does.

        Raises RuleErrors.
        """
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

    def problems(self) -> list[RuleProblem]:
        """Contradictions between keys that are each valid alone."""
        return [
            problem
            for name, texts in self.templates().items()
            for problem in templates_problems(name, texts, self.placeholders)
        ]

    def templates(self) -> dict[str, Texts]:
        """The sentences that may hold placeholders, by key."""
        return {"text": self.text, "cleared": self.cleared}


def read_keys(
    model: type[Rule], document: Mapping[str, object]
) -> tuple[dict[str, Any], list[RuleProblem]]:
    """The field values that `document` gives, and a problem for each unknown or invalid key."""
    specs = {key_name(spec): spec for spec in fields(model)}
    values: dict[str, Any] = {}
    problems = [
        (name, f"unknown key; {suggestion(name, specs)}") for name in document if name not in specs
    ]
    for name, spec in specs.items():
        if name not in document:
            continue
        with noting(problems, name):
            values[spec.name] = spec.metadata["parse"](document[name])
    return values, problems


def missing_keys(model: type[Rule], document: Mapping[str, object]) -> list[RuleProblem]:
    """A problem for each key without a default that `document` lacks."""
    needed = (
        spec
        for spec in fields(model)
        if spec.default is MISSING and spec.default_factory is MISSING
    )
    return [(key_name(spec), "missing") for spec in needed if key_name(spec) not in document]
