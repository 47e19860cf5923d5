"""The part of a rule document that all rules over readings share, and the texts of their alerts."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from rules.document.conditions import Applies, parse_applies
from rules.document.problems import RuleErrors, RuleProblem
from rules.document.rule import Rule, key
from rules.document.texts import Texts
from rules.readings.codes import Codes
from rules.readings.quantities import points_for
from rules.watches.watch import Edge, Watch
from wire.units import MINUTE_MS

Changes = tuple[tuple[str, object], ...]
"""Keys of a rule with their new values, as in the document."""


def parse_changes(value: object) -> Changes:
    """A table of keys of the rule, which are parsed when the rule is changed."""
    if not isinstance(value, dict):
        raise ValueError("write a table of keys of this rule")
    return tuple(value.items())


@dataclass(frozen=True, kw_only=True)
class DeviceRule(Rule, ABC):
    """A rule that is evaluated on the readings of each device.

    `extreme` are keys that take the place of the rule's own while extreme cold is confirmed, as in
    `[rule.extreme]` (requirements R20).
    """

    placeholders: ClassVar[frozenset[str]] = frozenset({"device", "value", "limit", "minutes"})

    applies: Applies = key(parse_applies, Applies())
    extreme: Changes = key(parse_changes, ())

    @property
    def hourly(self) -> bool:
        """Whether the rule takes only each device's first reading in an hour."""
        return False

    @property
    def quantities(self) -> tuple[str, ...]:
        """The points and derived quantities the rule reads, besides those of `applies`."""
        return ()

    @property
    def points(self) -> frozenset[str]:
        """The points that this rule needs."""
        return points_for(self.quantities) | self.applies.points

    def in_extreme_cold(self) -> Self:
        """This rule with `extreme` applied; raises RuleErrors where that does not fit the rule."""
        if not self.extreme:
            return self
        return replace(self, extreme=()).with_overrides(dict(self.extreme))

    def problems(self) -> list[RuleProblem]:
        """See Rule."""
        problems = super().problems()
        if self.extreme:
            problems += self._extreme_problems()
        return problems

    def _extreme_problems(self) -> list[RuleProblem]:
        """The problems that `extreme` adds to those of the rule without it."""
        try:
            self.in_extreme_cold()
        except RuleErrors as error:
            usual = replace(self, extreme=()).problems()
            added = [problem for problem in error.problems if problem not in usual]
            return RuleErrors(added).below("extreme")
        return []

    @abstractmethod
    def watch(self, codes: Codes) -> Watch:
        """A new watch of this rule over no devices; `codes` numbers its batches' fault codes."""

    def texts(self, edge: Edge, device: str) -> dict[str, str]:
        """The sentence for `edge` of `device` by language; {minutes} counts from onset to now."""
        templates: Texts = self.cleared if edge.edge == "clear" else self.text
        values = {
            "device": device,
            "value": "" if edge.value is None else f"{edge.value:.1f}",
            "limit": "" if edge.limit is None else f"{edge.limit:g}",
            "minutes": (edge.at - edge.onset) // MINUTE_MS,
        }
        return {
            language: template.format(**values, **self.more_values(edge, language))
            for language, template in templates.items()
        }

    def more_values(self, edge: Edge, language: str) -> dict[str, str]:
        """The values of the placeholders that only this kind has."""
        return {}
