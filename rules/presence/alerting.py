"""The transitions that silence leads to: alerts of devices, gateways and villages begin and end.

Each function notes in the roster what it reports, so that nothing is reported twice. A larger alert
hides the smaller ones below it.
"""

from collections.abc import Iterable, Iterator

from rules.presence.roster import RosterDevice, RosterGateway, RosterVillage
from rules.presence.rules import PresenceRules, VillageOutageRule
from rules.presence.silence import SilenceEvaluation
from rules.presence.texts import PresenceTexts
from rules.transitions.transition import Transition
from wire.topics import GatewayPath


class Alerting:
    """Makes transitions by `rules` where `silence` decides so; `now` is server time, UTC ms."""

    def __init__(self, rules: PresenceRules, silence: SilenceEvaluation) -> None:
        self._rules = rules
        self._silence = silence

    def step_village(self, village: RosterVillage, now: int) -> Iterator[Transition]:
        """The changes of a village, its gateways and their devices by `now`."""
        yield from self._drop_retired(village, now)
        for gateway in village.gateways.values():
            if gateway.back:
                yield from self._welcome(gateway, now)
            if gateway.away is None:
                gateway.away = self._silence.away(gateway, now)
        away = [gateway for gateway in village.gateways.values() if gateway.away is not None]
        if village.alert is not None:
            yield from self._follow_outage(village, now)
        elif away:
            yield from self._explain(village, away, now)
        else:
            village.forming_at = None
        for gateway in village.gateways.values():
            if gateway.away is None and now >= gateway.scan_at:
                yield from self._scan_devices(gateway, now)

    def _drop_retired(self, village: RosterVillage, now: int) -> Iterator[Transition]:
        """End the alerts of retired gateways; an outage ends with the last gateway."""
        retired = [gateway for gateway in village.gateways.values() if gateway.retired]
        for gateway in retired:
            yield from self._clear_gateway(gateway, "retired", now)
            yield from self._clear_devices([gateway], "no_longer_announced", now)
            del village.gateways[gateway.gateway_path]
        rule = self._rules.village
        if retired and not village.gateways and village.alert is not None and rule is not None:
            texts = PresenceTexts(retired[0].gateway_path, now)
            yield texts.village(rule, village, 0, "clear", "retired")
            village.alert, village.children = None, 0

    def _explain(
        self, village: RosterVillage, away: list[RosterGateway], now: int
    ) -> Iterator[Transition]:
        """Gateways are away: raise an outage of the village, or alerts of single gateways."""
        rule = self._rules.village
        group = self._silence.outage_group(village, away)
        if rule is None or not group:
            village.forming_at = None
        elif village.forming_at is None:
            village.forming_at = now
        elif self._silence.may_begin(village, village.forming_at, now):
            yield from self._raise_village(village, rule, group, now)
            return
        for gateway in self._silence.stand_alone(village, away, now):
            if gateway not in group:
                yield from self._raise_gateway(gateway, now)

    def _raise_village(
        self,
        village: RosterVillage,
        rule: VillageOutageRule,
        group: list[RosterGateway],
        now: int,
    ) -> Iterator[Transition]:
        village.forming_at = None
        village.alert = min(self._silence.fell_silent(gateway) for gateway in group)
        for gateway in group:
            yield from self._clear_gateway(gateway, "suppressed_by_village", now)
        hidden = self._silence.hidden_gateways(village)
        yield from self._clear_devices(hidden, "suppressed_by_village", now)
        village.children = _devices_below(hidden)
        texts = PresenceTexts(_first_away(village), now)
        yield texts.village(rule, village, len(hidden), "raise", "gateways_silent")

    def _follow_outage(self, village: RosterVillage, now: int) -> Iterator[Transition]:
        """End the outage when it is over; else report a changed number of devices below it."""
        rule = self._rules.village
        if rule is None or not village.gateways:
            return
        hidden = self._silence.hidden_gateways(village)
        texts = PresenceTexts(next(iter(village.gateways)), now)
        if self._silence.is_over(village):
            yield texts.village(rule, village, len(hidden), "clear", "heard_again")
            village.alert, village.children = None, 0
            for gateway in hidden:
                gateway.will_at = None
                gateway.begin_grace(now)
            return
        children = _devices_below(hidden)
        yield from self._clear_devices(hidden, "suppressed_by_village", now)
        if children != village.children:
            village.children = children
            yield texts.village(rule, village, len(hidden), "update", "children_changed")

    def _welcome(self, gateway: RosterGateway, now: int) -> Iterator[Transition]:
        """A gateway that was away was heard again."""
        yield from self._clear_gateway(gateway, "heard_again", now)
        gateway.begin_grace(now)

    def _raise_gateway(self, gateway: RosterGateway, now: int) -> Iterator[Transition]:
        rule, away = self._rules.gateway, gateway.away
        if rule is None or away is None:
            return
        gateway.alert = away.since
        yield from self._clear_devices([gateway], "suppressed_by_gateway", now)
        yield PresenceTexts(gateway.gateway_path, now).gateway(rule, gateway, "raise", away.reason)

    def _clear_gateway(self, gateway: RosterGateway, reason: str, now: int) -> Iterator[Transition]:
        rule = self._rules.gateway
        if gateway.alert is not None and rule is not None:
            yield PresenceTexts(gateway.gateway_path, now).gateway(rule, gateway, "clear", reason)
        gateway.alert = None

    def _scan_devices(self, gateway: RosterGateway, now: int) -> Iterator[Transition]:
        """Raise and clear alerts of the gateway's devices; note when the next may be due."""
        yield from self._end_alerts(gateway, now)
        rule = self._rules.device
        if rule is None:
            return
        limit_ms = rule.limit_ms(gateway.interval_ms)
        texts = PresenceTexts(gateway.gateway_path, now)
        next_due = now + limit_ms
        for device in gateway.devices.values():
            if device.alert is not None:
                continue
            due = self._silence.due(device, limit_ms)
            if now >= due and self._silence.spoke_without(gateway, due):
                device.alert = self._silence.begin(device.heard_at)
                yield texts.device(rule, device, "raise", "no_reading")
            else:
                next_due = min(next_due, due)
        gateway.scan_at = next_due

    def _end_alerts(self, gateway: RosterGateway, now: int) -> Iterator[Transition]:
        """Clear devices that were heard again, and drop those that the birth no longer lists."""
        for device in list(gateway.devices.values()):
            if not device.listed:
                yield from self._clear_device(gateway, device, "no_longer_announced", now)
                del gateway.devices[device.id]
            elif device.back:
                yield from self._clear_device(gateway, device, "heard_again", now)

    def _clear_device(
        self, gateway: RosterGateway, device: RosterDevice, reason: str, now: int
    ) -> Iterator[Transition]:
        rule = self._rules.device
        if device.alert is not None and rule is not None:
            yield PresenceTexts(gateway.gateway_path, now).device(rule, device, "clear", reason)
        device.alert, device.back = None, False

    def _clear_devices(
        self, gateways: Iterable[RosterGateway], reason: str, now: int
    ) -> Iterator[Transition]:
        for gateway in gateways:
            for device in gateway.devices.values():
                yield from self._clear_device(gateway, device, reason, now)


def _first_away(village: RosterVillage) -> GatewayPath:
    return next(path for path, gateway in village.gateways.items() if gateway.away is not None)


def _devices_below(gateways: Iterable[RosterGateway]) -> int:
    return sum(len(gateway.devices) for gateway in gateways)
