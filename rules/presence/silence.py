"""What silence means: who is away, who is overdue, and which gateways are a village outage.

All functions only read the roster. Times are server time, UTC ms.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from rules.presence.roster import Away, RosterDevice, RosterGateway, RosterVillage
from rules.presence.rules import PresenceRules

OVERDUE_INTERVALS: Final = 1.5
"""A gateway half an interval after a missed poll may be about to fall silent with its village."""


class SilenceEvaluation:
    """Decides by `rules`; silence counts from the last message, but never from before `since`."""

    def __init__(self, rules: PresenceRules, since: int) -> None:
        self.since = since
        self._rules = rules

    def begin(self, heard_at: int) -> int:
        """The begin of the silence of a subject last heard at `heard_at`."""
        return max(heard_at, self.since)

    def away(self, gateway: RosterGateway, now: int) -> Away | None:
        """Why the gateway counts as gone at `now`; None while it does not."""
        rule = self._rules.gateway
        if rule is None:
            return None
        since = self.begin(gateway.heard_at)
        if gateway.will_at is not None and now - gateway.will_at >= rule.last_will_delay_ms:
            return Away(since, now, "last_will")
        if now - since >= rule.limit_ms(gateway.interval_ms):
            return Away(since, now, "silent")
        return None

    def fell_silent(self, gateway: RosterGateway) -> int:
        """The begin of the silence of a gateway that is away or overdue."""
        return gateway.away.since if gateway.away is not None else self.begin(gateway.heard_at)

    def still_out(self, gateway: RosterGateway) -> bool:
        """Whether the gateway is away, or not heard since silence counts (start or bus outage)."""
        return gateway.away is not None or gateway.heard_at < self.since

    def hidden_gateways(self, village: RosterVillage) -> list[RosterGateway]:
        """The gateways that an outage of the village hides."""
        return [
            gateway
            for gateway in village.gateways.values()
            if self.still_out(gateway) and gateway.alert is None
        ]

    def outage_group(
        self, village: RosterVillage, candidates: Sequence[RosterGateway]
    ) -> list[RosterGateway]:
        """The most candidates that fell silent within the rule's time, if they are an outage."""
        rule = self._rules.village
        if rule is None:
            return []
        fell = sorted(
            candidates,
            key=lambda gateway: (self.fell_silent(gateway), gateway.gateway_path.gateway),
        )
        times = [self.fell_silent(gateway) for gateway in fell]
        spans = [
            (first, bisect_right(times, time + rule.within_ms)) for first, time in enumerate(times)
        ]
        first, end = max(spans, key=lambda span: span[1] - span[0], default=(0, 0))
        group = fell[first:end]
        devices = sum(len(gateway.devices) for gateway in group)
        return group if rule.is_outage(len(group), len(village.gateways), devices) else []

    def is_over(self, village: RosterVillage) -> bool:
        """Whether too few gateways are still out for the village's outage to last."""
        rule = self._rules.village
        if rule is None:
            return False
        out = [gateway for gateway in village.gateways.values() if self.still_out(gateway)]
        devices = sum(len(gateway.devices) for gateway in out)
        return not rule.is_outage(len(out), len(village.gateways), devices)

    def may_begin(self, village: RosterVillage, forming_at: int, now: int) -> bool:
        """Whether an outage forming since `forming_at` has waited for overdue gateways."""
        return self._has_waited(forming_at, bool(self._overdue(village, now)), now)

    def stand_alone(
        self, village: RosterVillage, away: list[RosterGateway], now: int
    ) -> list[RosterGateway]:
        """The gateways of `away` without an alert that waited long enough for a village outage.

        A gateway waits longest that would be part of an outage if those overdue fell silent too.
        """
        waiting = [gateway for gateway in away if gateway.alert is None]
        if not waiting:
            return []
        likely = set(self.outage_group(village, [*away, *self._overdue(village, now)]))
        return [
            gateway
            for gateway in waiting
            if gateway.away is not None
            and self._has_waited(gateway.away.noticed_at, gateway in likely, now)
        ]

    def _overdue(self, village: RosterVillage, now: int) -> list[RosterGateway]:
        return [
            gateway
            for gateway in village.gateways.values()
            if gateway.away is None
            and now - self.begin(gateway.heard_at) > OVERDUE_INTERVALS * gateway.interval_ms
        ]

    def _has_waited(self, since: int, undecided: bool, now: int) -> bool:
        """Whether an alert due `since` need not wait any longer for a larger explanation."""
        rule = self._rules.village
        return rule is None or now - since >= (rule.gather_ms if undecided else rule.hold_ms)

    def due(self, device: RosterDevice, limit_ms: int) -> int:
        """The time at which the device's silence reaches `limit_ms`."""
        return self.begin(device.heard_at) + limit_ms

    def spoke_without(self, gateway: RosterGateway, due: int) -> bool:
        """Whether the gateway was heard about when its device was due, so the device is silent."""
        return self._rules.gateway is None or gateway.heard_at >= due - gateway.interval_ms // 2
