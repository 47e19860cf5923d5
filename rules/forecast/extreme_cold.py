"""Extreme cold in the forecast (requirements R20): a rule proposes the mode, a person confirms it.

The alert is the proposal to the district. It rises when the forecast is `at_most` or colder for
longer than `longer_than` without a break. It clears when the newest forecast no longer is, or when
the cold is over. Where less than `notice` remains until the cold begins, the alert has the priority
`short_notice`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from rules.document import parse
from rules.document.rule import Rule, key
from rules.forecast.forecast import Period, WeatherForecast
from rules.readings.season import Season
from rules.transitions.transition import OpenCondition, Transition
from wire.messages import Priority
from wire.topics import GatewayPath
from wire.units import DAY_MS, HOUR_MS

EVERYWHERE: Final = "all"
"""Stands for town and village in the path of a whole district."""


@dataclass(frozen=True, kw_only=True)
class ExtremeColdRule(Rule):
    """`at_most` °C for `longer_than`, announced `notice` ahead; a forecast counts for `max_age`."""

    placeholders: ClassVar[frozenset[str]] = frozenset(
        {"district", "value", "limit", "begins", "hours", "lasts"}
    )

    at_most: float = key(parse.number)
    longer_than_ms: int = key(parse.duration)
    notice_ms: int = key(parse.duration)
    short_notice: Priority = key(parse.priority)
    max_age_ms: int = key(parse.duration, 2 * DAY_MS)

    @property
    def unit(self) -> str | None:
        """See Rule."""
        return "c"

    def spell(self, forecast: WeatherForecast, now: int) -> Period | None:
        """The first spell of such cold that is not over at `now` (UTC ms)."""
        lasting = (
            spell
            for spell in forecast.spells(self.at_most)
            if spell.until - spell.since > self.longer_than_ms and spell.until > now
        )
        return next(lasting, None)

    def priority_of(self, spell: Period | None, now: int) -> Priority:
        """The priority of a transition about `spell`."""
        short = spell is not None and spell.since - now < self.notice_ms
        return self.short_notice if short else self.priority


@dataclass(slots=True)
class _Proposal:
    district: str
    onset: int


class ColdWatch:
    """The extreme-cold rules among `rules` at work on the newest forecast, in server time."""

    def __init__(self, rules: Sequence[Rule], season: Season) -> None:
        self._rules = [rule for rule in rules if isinstance(rule, ExtremeColdRule)]
        self._offset_ms = season.offset_ms
        self._open: dict[str, _Proposal] = {}

    def step(self, forecast: WeatherForecast | None, now: int) -> list[Transition]:
        """The transitions that follow from `forecast` at `now` (UTC ms)."""
        if forecast is None:
            return []
        changes = (self._evaluate(rule, forecast, now) for rule in self._rules)
        return [transition for transition in changes if transition is not None]

    def _evaluate(
        self, rule: ExtremeColdRule, forecast: WeatherForecast, now: int
    ) -> Transition | None:
        spell, held = rule.spell(forecast, now), self._open.get(rule.id)
        if spell is not None and held is None and now - forecast.issued_at <= rule.max_age_ms:
            self._open[rule.id] = held = _Proposal(forecast.district, forecast.issued_at)
            return self._transition(rule, held, spell, now)
        if spell is None and held is not None:
            del self._open[rule.id]
            return self._transition(rule, held, None, now)
        return None

    def _transition(
        self, rule: ExtremeColdRule, held: _Proposal, spell: Period | None, now: int
    ) -> Transition:
        """A raise about `spell`, or without one the clear."""
        templates = rule.cleared if spell is None else rule.text
        values = {"district": held.district, "limit": f"{rule.at_most:g}"}
        values |= self._spell_values(spell, now)
        return Transition(
            rule=rule.id,
            subject=held.district,
            subject_kind="district",
            edge="clear" if spell is None else "raise",
            code=None,
            onset=held.onset,
            at=now,
            value=None if spell is None else spell.outdoor_c,
            limit=rule.at_most,
            unit=rule.unit,
            priority=rule.priority_of(spell, now),
            reason="no_cold_forecast" if spell is None else "cold_forecast",
            text={language: template.format(**values) for language, template in templates.items()},
            gateway_path=GatewayPath(held.district, EVERYWHERE, EVERYWHERE, EVERYWHERE),
        )

    def _spell_values(self, spell: Period | None, now: int) -> dict[str, str]:
        if spell is None:
            return {"value": "", "begins": "", "hours": "", "lasts": ""}
        local = np.datetime64(spell.since + self._offset_ms, "ms").astype("datetime64[m]")
        return {
            "value": f"{spell.outdoor_c:.1f}",
            "begins": str(local).replace("T", " "),
            "hours": str(max(0, spell.since - now) // HOUR_MS),
            "lasts": str((spell.until - spell.since) // HOUR_MS),
        }

    def active(self) -> list[OpenCondition]:
        """The proposals held open."""
        return [
            OpenCondition(rule, held.district, None, held.onset)
            for rule, held in self._open.items()
        ]

    def adopt(self, conditions: Iterable[OpenCondition]) -> None:
        """Hold open proposals that were raised before; those of other rules are ignored."""
        known = {rule.id for rule in self._rules}
        self._open |= {
            condition.rule: _Proposal(condition.subject, condition.onset)
            for condition in conditions
            if condition.rule in known
        }
