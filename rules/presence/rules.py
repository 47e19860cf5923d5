"""The rules over silence: of a device, of a gateway, of a village (contract §11 "Offline").

`rules.presence.presence` evaluates them in server time; this module says what can be configured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, TypeVar

from rules.document import parse
from rules.document.problems import RuleErrors
from rules.document.rule import Rule, key
from rules.document.texts import Texts
from wire.units import MINUTE_MS, SECOND_MS


@dataclass(frozen=True, kw_only=True)
class SilenceRule(Rule):
    """Offline after `intervals` poll intervals without a message, at the earliest `at_least`.

    `suppressed` is the sentence of a clear because a larger alert takes this one's place.
    """

    intervals: float = key(parse.positive, 3.0)
    at_least_ms: int = key(parse.duration, 90 * SECOND_MS)
    suppressed: Texts = key(parse.texts)

    def limit_ms(self, interval_ms: int) -> int:
        """The silence, in ms, that means offline for a subject heard every `interval_ms`."""
        return max(round(self.intervals * interval_ms), self.at_least_ms)

    def templates(self) -> dict[str, Texts]:
        """See Rule."""
        return {**super().templates(), "suppressed": self.suppressed}


@dataclass(frozen=True, kw_only=True)
class DeviceOfflineRule(SilenceRule):
    """No reading of a device while its gateway is heard."""

    placeholders: ClassVar[frozenset[str]] = frozenset({"device", "gateway", "village", "minutes"})


@dataclass(frozen=True, kw_only=True)
class GatewayOfflineRule(SilenceRule):
    """No message of a gateway, or no return within `last_will_delay` of its last will."""

    placeholders: ClassVar[frozenset[str]] = frozenset(
        {"gateway", "village", "children", "minutes"}
    )

    last_will_delay_ms: int = key(parse.duration, 15 * SECOND_MS)


@dataclass(frozen=True, kw_only=True)
class VillageOutageRule(Rule):
    """Many gateways of a village gone `within` the same time.

    An outage is `gateways` of them, or `share` of the village's gateways with at least `devices`
    devices below them. Gateways are noticed one after the other. An alert of a gateway or village
    therefore waits `hold`, and `gather` while further gateways of the village are overdue.
    """

    placeholders: ClassVar[frozenset[str]] = frozenset(
        {"village", "children", "gateways", "minutes"}
    )

    gateways: int = key(parse.count, 3)
    share: float = key(parse.share, 0.6)
    devices: int = key(parse.count, 10)
    within_ms: int = key(parse.duration, 2 * MINUTE_MS)
    hold_ms: int = key(parse.duration, 5 * SECOND_MS)
    gather_ms: int = key(parse.duration, MINUTE_MS)

    def is_outage(self, away: int, known: int, devices: int) -> bool:
        """Whether `away` of `known` gateways, with `devices` devices below them, are an outage."""
        return away >= self.gateways or (0 < away >= self.share * known and devices >= self.devices)


@dataclass(frozen=True, slots=True)
class PresenceRules:
    """The rule of each level; a level without a rule is not evaluated."""

    device: DeviceOfflineRule | None
    gateway: GatewayOfflineRule | None
    village: VillageOutageRule | None

    @classmethod
    def among(cls, rules: Sequence[Rule]) -> Self:
        """The presence rules among `rules`; raises RuleErrors for two of one level."""
        return cls(
            _only(rules, DeviceOfflineRule),
            _only(rules, GatewayOfflineRule),
            _only(rules, VillageOutageRule),
        )


_RuleType = TypeVar("_RuleType", bound=Rule)


def _only(rules: Sequence[Rule], level: type[_RuleType]) -> _RuleType | None:
    of_level = [rule for rule in rules if isinstance(rule, level)]
    if len(of_level) > 1:
        raise RuleErrors([("kind", f"one rule of kind {of_level[0].kind}, not {len(of_level)}")])
    return of_level[0] if of_level else None
