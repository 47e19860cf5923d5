"""Gateways that cause more alerts than are recorded: one alert about the box. Server time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rules.document import parse
from rules.document.rule import Rule, key
from rules.transitions.transition import EdgeKind, OpenCondition, Transition
from wire.topics import GatewayPath
from wire.units import MINUTE_MS


@dataclass(frozen=True, kw_only=True)
class TooManyEventsRule(Rule):
    """A gateway whose alerts are held back; cleared after `off_delay` without any held back."""

    placeholders: ClassVar[frozenset[str]] = frozenset({"gateway", "village", "held"})

    off_delay_ms: int = key(parse.duration, 10 * MINUTE_MS)


class CrowdWatch:
    """The rules over crowded gateways among `rules` at work; `now` is server time, UTC ms."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = [rule for rule in rules if isinstance(rule, TooManyEventsRule)]
        self._onset: dict[GatewayPath, int] = {}
        self._crowded_at: dict[GatewayPath, int] = {}

    def step(self, held: Mapping[GatewayPath, int], now: int) -> list[Transition]:
        """The transitions by `now`, while so many alerts of the gateways in `held` are held back
        or were since the last step."""
        begun = [gateway for gateway in held if gateway not in self._onset]
        self._crowded_at |= dict.fromkeys(held, now)
        self._onset |= dict.fromkeys(begun, now)
        raised = [
            self._write(rule, gateway, "raise", held[gateway], now)
            for gateway in begun
            for rule in self._rules
        ]
        return raised + [edge for rule in self._rules for edge in self._clear(rule, now)]

    def _clear(self, rule: TooManyEventsRule, now: int) -> list[Transition]:
        over = [at for at, last in self._crowded_at.items() if now - last >= rule.off_delay_ms]
        edges = [self._write(rule, gateway, "clear", 0, now) for gateway in over]
        for gateway in over:
            del self._onset[gateway], self._crowded_at[gateway]
        return edges

    def _write(
        self, rule: Rule, gateway: GatewayPath, edge: EdgeKind, held: int, now: int
    ) -> Transition:
        templates = rule.text if edge == "raise" else rule.cleared
        values = {"gateway": gateway.gateway, "village": gateway.village, "held": held}
        return Transition(
            rule=rule.id,
            subject=gateway.gateway,
            subject_kind="gateway",
            edge=edge,
            code=None,
            onset=self._onset[gateway],
            at=now,
            value=None,
            limit=None,
            unit=None,
            priority=rule.priority,
            reason="too_many_events" if edge == "raise" else "events_within_bounds",
            text={language: template.format(**values) for language, template in templates.items()},
            gateway_path=gateway,
        )

    def adopt(self, conditions: Iterable[OpenCondition], now: int) -> None:
        """Hold open alerts that were raised before; those of other rules are ignored."""
        known = {rule.id for rule in self._rules}
        for condition in conditions:
            if condition.rule in known:
                district, town, village = condition.realm.split("/")
                gateway = GatewayPath(district, town, village, condition.subject)
                self._onset[gateway] = condition.onset
                self._crowded_at[gateway] = now

    def active(self) -> list[OpenCondition]:
        """The alerts held open."""
        return [
            OpenCondition(
                rule.id,
                gateway.gateway,
                None,
                onset,
                f"{gateway.district}/{gateway.town}/{gateway.village}",
            )
            for gateway, onset in self._onset.items()
            for rule in self._rules
        ]
