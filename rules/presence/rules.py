"""The rules over silence: a device, a gateway, a village that is not heard (contract §11
"Offline").

They are judged by `rules.presence.presence` in server time; here stands what may be configured.
"""

from dataclasses import dataclass
from typing import ClassVar

from rules.document.rule import Rule, Texts, count, duration, key, positive, share, texts
from wire.units import MINUTE_MS


@dataclass(frozen=True, kw_only=True)
class SilenceRule(Rule):
    """Offline after `intervals` poll intervals without a message, but never sooner than `at_least`.

    `suppressed` is the sentence when a parent's alert takes this one's place.
    """

    intervals: float = key(positive, 3.0)
    at_least_ms: int = key(duration, 90_000)
    suppressed: Texts = key(texts)

    def limit_ms(self, interval_ms: int) -> int:
        """The silence, in ms, that means offline for something heard every `interval_ms`."""
        return max(round(self.intervals * interval_ms), self.at_least_ms)

    def templates(self) -> dict[str, Texts]:
        return {**super().templates(), "suppressed": self.suppressed}


@dataclass(frozen=True, kw_only=True)
class DeviceOfflineRule(SilenceRule):
    """No reading of a device while its gateway is heard."""

    placeholders: ClassVar[frozenset[str]] = frozenset({"device", "gateway", "village", "minutes"})


@dataclass(frozen=True, kw_only=True)
class GatewayOfflineRule(SilenceRule):
    """Nothing heard of a gateway, or its last will came `last_will_delay` ago and it did not
    return."""

    placeholders: ClassVar[frozenset[str]] = frozenset(
        {"gateway", "village", "children", "minutes"}
    )

    last_will_delay_ms: int = key(duration, 15_000)


@dataclass(frozen=True, kw_only=True)
class VillageOutageRule(Rule):
    """Many gateways of a village gone `within` the same time.

    An outage is `gateways` of them, or `share` of the village's gateways with at least `devices`
    devices below them. Because they are noticed one after the other, an alert of a gateway or
    village waits `hold`, and as long as `gather` while further gateways of the village are overdue.
    """

    placeholders: ClassVar[frozenset[str]] = frozenset(
        {"village", "children", "gateways", "minutes"}
    )

    gateways: int = key(count, 3)
    share: float = key(share, 0.6)
    devices: int = key(count, 10)
    within_ms: int = key(duration, 120_000)
    hold_ms: int = key(duration, 5_000)
    gather_ms: int = key(duration, MINUTE_MS)

    def is_outage(self, away: int, known: int, devices: int) -> bool:
        """Whether `away` of `known` gateways, with `devices` devices below those away, are an
        outage."""
        return away >= self.gateways or (0 < away >= self.share * known and devices >= self.devices)
