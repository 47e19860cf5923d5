"""Extreme cold in the forecast (requirements R20): the mode is proposed to the district, and a
person confirms it.

The alert is the proposal. It rises when the forecast is `at_most` or colder for longer than
`longer_than` on end, and clears when the newest forecast no longer is, or the cold is over. Where
less than `notice` is left until it begins, its priority is that of `short_notice`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from rules.document.rule import Rule, duration, key, number, priority
from rules.forecast.forecast import Period, WeatherForecast
from rules.readings.season import Season
from rules.transitions.transition import EdgeKind, OpenCondition, Transition
from wire.messages import Priority
from wire.topics import GatewayPath
from wire.units import HOUR_MS

EVERYWHERE: Final = "all"
"""Stands for town and village of what is about the whole district."""


@dataclass(frozen=True, kw_only=True)
class ExtremeColdRule(Rule):
    """`at_most` °C for `longer_than`, known `notice` ahead; a forecast older than `max_age` says
    nothing."""

    placeholders: ClassVar[frozenset[str]] = frozenset(
        {"district", "value", "limit", "begins", "hours", "lasts"}
    )

    at_most: float = key(number)
    longer_than_ms: int = key(duration)
    notice_ms: int = key(duration)
    short_notice: Priority = key(priority)
    max_age_ms: int = key(duration, 48 * HOUR_MS)

    @property
    def unit(self) -> str | None:
        return "c"

    def spell(self, forecast: WeatherForecast, now: int) -> Period | None:
        """The first spell of such cold that is not over."""
        lasting = (
            spell
            for spell in forecast.spells(self.at_most)
            if spell.until - spell.since > self.longer_than_ms and spell.until > now
        )
        return next(lasting, None)


@dataclass(slots=True)
class _Proposal:
    district: str
    onset: int


class ColdWatch:
    """The rules about extreme cold among `rules`, at work on the newest forecast; pure, in server
    time."""

    def __init__(self, rules: Sequence[Rule], season: Season) -> None:
        self._rules = [rule for rule in rules if isinstance(rule, ExtremeColdRule)]
        self._offset_ms = season.offset_ms
        self._open: dict[str, _Proposal] = {}

    def step(self, forecast: WeatherForecast | None, now: int) -> list[Transition]:
        """What `forecast` changes at `now` (UTC ms)."""
        if forecast is None:
            return []
        return [
            one for rule in self._rules if (one := self._judge(rule, forecast, now)) is not None
        ]

    def _judge(
        self, rule: ExtremeColdRule, forecast: WeatherForecast, now: int
    ) -> Transition | None:
        spell, held = rule.spell(forecast, now), self._open.get(rule.id)
        if spell is not None and held is None and now - forecast.issued_at <= rule.max_age_ms:
            self._open[rule.id] = held = _Proposal(forecast.district, forecast.issued_at)
            return self._told(rule, held, "raise", "cold_forecast", spell, now)
        if spell is None and held is not None:
            del self._open[rule.id]
            return self._told(rule, held, "clear", "no_cold_forecast", None, now)
        return None

    def _told(
        self,
        rule: ExtremeColdRule,
        held: _Proposal,
        edge: EdgeKind,
        reason: str,
        spell: Period | None,
        now: int,
    ) -> Transition:
        short = spell is not None and spell.since - now < rule.notice_ms
        templates = rule.cleared if edge == "clear" else rule.text
        blanks = {
            "district": held.district,
            "limit": f"{rule.at_most:g}",
            **self._blanks(spell, now),
        }
        return Transition(
            rule=rule.id,
            subject=held.district,
            subject_kind="district",
            edge=edge,
            code=None,
            onset=held.onset,
            at=now,
            value=None if spell is None else spell.outdoor_c,
            limit=rule.at_most,
            unit=rule.unit,
            priority=rule.short_notice if short else rule.priority,
            reason=reason,
            text={language: template.format(**blanks) for language, template in templates.items()},
            gateway_path=GatewayPath(held.district, EVERYWHERE, EVERYWHERE, EVERYWHERE),
        )

    def _blanks(self, spell: Period | None, now: int) -> dict[str, str]:
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

    def adopt(self, episodes: Iterable[OpenCondition]) -> None:
        """Hold open proposals that were raised before; those of other rules are ignored."""
        known = {rule.id for rule in self._rules}
        self._open |= {
            one.rule: _Proposal(one.subject, one.onset) for one in episodes if one.rule in known
        }
