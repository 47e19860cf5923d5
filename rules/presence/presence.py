"""Who is heard and who is silent, in server time (contract §11 "Offline"); one cause, one alert.

A device is silent while its gateway speaks; a gateway is silent, or its last will came; a village
is many gateways silent at once. The larger explanation hides the smaller: what is hidden raises
nothing, and what it had raised is cleared. When the larger one ends, whoever is still silent gets
the full limit anew before it is judged.

Silence counts from the last message, but never from before this server began or its broker
connection came up.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import numpy as np

from rules.document.rule import Rule, RuleErrors
from rules.presence import snapshot as roster_snapshot
from rules.presence.roster import Away, Device, Gateway, Roster, Village, village_realm
from rules.presence.rules import DeviceOfflineRule, GatewayOfflineRule, VillageOutageRule
from rules.presence.texts import PresenceWords
from rules.transitions.transition import OpenCondition, SubjectKind, Transition, realm_of
from wire.topics import GatewayPath

OVERDUE_INTERVALS: Final = 1.5
"""A gateway that has missed a poll by half an interval may be about to fall silent with its
village."""

_RuleType = TypeVar("_RuleType", bound=Rule)


class Presence:
    """Judges silence by the device, gateway and village rules among `rules`; a level without a rule
    is not judged.

    Without a gateway rule there are no village outages either. All times are server time, UTC ms.
    Raises RuleErrors if a level has two rules.
    """

    def __init__(self, rules: Sequence[Rule], started_at: int) -> None:
        self._device_rule = _only(rules, DeviceOfflineRule)
        self._gateway_rule = _only(rules, GatewayOfflineRule)
        self._village_rule = _only(rules, VillageOutageRule)
        self._roster = Roster()
        self._judged_from = started_at
        self._bus_down = False

    def announce(
        self, place: GatewayPath, devices: Sequence[str], interval_ms: int, now: int
    ) -> None:
        """A birth: `place` polls exactly `devices`, which are waited for from now on."""
        self._roster.announce(place, devices, interval_ms, now)

    def heard(self, place: GatewayPath, devices: Iterable[str], interval_ms: int, now: int) -> None:
        """A telemetry message of `place` came, with readings of `devices`."""
        self._roster.heard(place, devices, interval_ms, now)

    def last_will(self, place: GatewayPath, now: int) -> None:
        """The broker published the last will of `place`."""
        self._roster.last_will(place, now)

    def bus_down(self, now: int) -> None:
        """Our own broker connection is gone: nobody is judged until `bus_up`."""
        self._bus_down = True

    def bus_up(self, now: int) -> None:
        """Our own broker connection is back: silence counts from now, and last wills wait anew."""
        self._bus_down = False
        self._judged_from = now
        self._roster.judge_anew(now)

    def clock_stepped(self, step_ms: int) -> None:
        """The server's clock was set forward by `step_ms` (back below 0): silence goes on as it
        was."""
        self._judged_from += step_ms
        self._roster.shift(step_ms)

    def step(self, now: int) -> list[Transition]:
        """What has changed by `now`; to be called about once a second."""
        if self._bus_down:
            return []
        return [
            one
            for village in self._roster.villages.values()
            for one in self._step_village(village, now)
        ]

    def _step_village(self, village: Village, now: int) -> Iterator[Transition]:
        for gateway in village.gateways.values():
            if gateway.back:
                yield from self._welcome(gateway, now)
            if gateway.away is None:
                gateway.away = self._away(gateway, now)
        away = [gateway for gateway in village.gateways.values() if gateway.away is not None]
        if village.alert is not None:
            yield from self._follow_outage(village, now)
        elif away:
            yield from self._look_for_outage(village, away, now)
        else:
            village.forming_at = None
        for gateway in village.gateways.values():
            if gateway.away is None and now >= gateway.scan_at:
                yield from self._scan_devices(gateway, now)

    # ---- gateways

    def _silent_since(self, heard_at: int) -> int:
        return max(heard_at, self._judged_from)

    def _away(self, gateway: Gateway, now: int) -> Away | None:
        rule = self._gateway_rule
        if rule is None:
            return None
        since = self._silent_since(gateway.heard_at)
        if gateway.will_at is not None and now - gateway.will_at >= rule.last_will_delay_ms:
            return Away(since, now, "last_will")
        if now - since >= rule.limit_ms(gateway.interval_ms):
            return Away(since, now, "silent")
        return None

    def _welcome(self, gateway: Gateway, now: int) -> Iterator[Transition]:
        """A gateway that was away has spoken."""
        if gateway.alert is not None and self._gateway_rule is not None:
            yield PresenceWords(gateway.place, now).gateway_clear(
                self._gateway_rule, gateway, "heard_again"
            )
        gateway.alert = None
        _fresh_grace(gateway, now)

    def _raise_gateway(self, gateway: Gateway, now: int) -> Iterator[Transition]:
        rule, away = self._gateway_rule, gateway.away
        if rule is None or away is None:
            return
        gateway.alert = away.since
        yield from self._suppress_devices(gateway, "suppressed_by_gateway", now)
        yield PresenceWords(gateway.place, now).gateway_raise(rule, gateway, away)

    # ---- villages

    def _look_for_outage(
        self, village: Village, away: list[Gateway], now: int
    ) -> Iterator[Transition]:
        rule = self._village_rule
        group = self._outage_group(village, away)
        if rule is None or not group:
            village.forming_at = None
        elif village.forming_at is None:
            village.forming_at = now
        elif self._waited(village.forming_at, bool(self._overdue(village, now)), now):
            yield from self._raise_village(village, rule, group, away, now)
            return
        joined, likely = set(group), set(self._likely_group(village, away, now))
        for gateway in away:
            if (
                gateway.alert is None
                and gateway not in joined
                and self._may_stand_alone(gateway, likely, now)
            ):
                yield from self._raise_gateway(gateway, now)

    def _may_stand_alone(self, gateway: Gateway, likely: set[Gateway], now: int) -> bool:
        return gateway.away is not None and self._waited(
            gateway.away.judged_at, gateway in likely, now
        )

    def _waited(self, since: int, undecided: bool, now: int) -> bool:
        """Whether an alert due `since` need wait no longer for the village to be understood."""
        rule = self._village_rule
        return rule is None or now - since >= (rule.gather_ms if undecided else rule.hold_ms)

    def _overdue(self, village: Village, now: int) -> list[Gateway]:
        return [
            gateway
            for gateway in village.gateways.values()
            if gateway.away is None
            and now - self._silent_since(gateway.heard_at) > OVERDUE_INTERVALS * gateway.interval_ms
        ]

    def _likely_group(self, village: Village, away: list[Gateway], now: int) -> list[Gateway]:
        """The gateways that would be an outage if those overdue fell silent too."""
        if all(gateway.alert is not None for gateway in away):
            return []
        return self._outage_group(village, [*away, *self._overdue(village, now)])

    def _outage_group(self, village: Village, candidates: list[Gateway]) -> list[Gateway]:
        """The most gateways among `candidates` that fell silent within the rule's time, if they are
        an outage."""
        rule = self._village_rule
        if rule is None:
            return []
        fell = sorted(
            candidates, key=lambda gateway: (self._fell_silent(gateway), gateway.place.gateway)
        )
        times = [self._fell_silent(gateway) for gateway in fell]
        spans = [
            (first, bisect_right(times, time + rule.within_ms)) for first, time in enumerate(times)
        ]
        first, end = max(spans, key=lambda span: span[1] - span[0], default=(0, 0))
        devices = sum(len(gateway.devices) for gateway in fell[first:end])
        return (
            fell[first:end] if rule.is_outage(end - first, len(village.gateways), devices) else []
        )

    def _fell_silent(self, gateway: Gateway) -> int:
        """Since when a gateway that is away or overdue has not been heard."""
        return (
            gateway.away.since if gateway.away is not None else self._silent_since(gateway.heard_at)
        )

    def _raise_village(
        self,
        village: Village,
        rule: VillageOutageRule,
        group: list[Gateway],
        away: list[Gateway],
        now: int,
    ) -> Iterator[Transition]:
        village.forming_at = None
        village.alert = min(self._fell_silent(gateway) for gateway in group)
        for gateway in group:
            if gateway.alert is not None and self._gateway_rule is not None:
                yield PresenceWords(gateway.place, now).gateway_clear(
                    self._gateway_rule, gateway, "suppressed_by_village"
                )
                gateway.alert = None
        hidden = self._hidden_gateways(village)
        for gateway in hidden:
            yield from self._suppress_devices(gateway, "suppressed_by_village", now)
        village.children = sum(len(gateway.devices) for gateway in hidden)
        yield PresenceWords(away[0].place, now).village(
            rule, village, len(hidden), "raise", "gateways_silent"
        )

    def _follow_outage(self, village: Village, now: int) -> Iterator[Transition]:
        rule = self._village_rule
        out = [gateway for gateway in village.gateways.values() if self._still_out(gateway)]
        hidden = self._hidden_gateways(village)
        children = sum(len(gateway.devices) for gateway in hidden)
        if rule is None or village.alert is None or not village.gateways:
            return
        words = PresenceWords(next(iter(village.gateways)), now)
        devices = sum(len(gateway.devices) for gateway in out)
        if not rule.is_outage(len(out), len(village.gateways), devices):
            yield words.village(rule, village, len(hidden), "clear", "heard_again")
            village.alert, village.children = None, 0
            for gateway in hidden:
                gateway.will_at = None
                _fresh_grace(gateway, now)
            return
        for gateway in hidden:
            yield from self._suppress_devices(gateway, "suppressed_by_village", now)
        if children != village.children:
            village.children = children
            yield words.village(rule, village, len(hidden), "update", "children_changed")

    def _still_out(self, gateway: Gateway) -> bool:
        """Away, or not heard since we can hear: after a start or a bus outage nothing else is known
        of it yet."""
        return gateway.away is not None or gateway.heard_at < self._judged_from

    def _hidden_gateways(self, village: Village) -> list[Gateway]:
        return [
            gateway
            for gateway in village.gateways.values()
            if self._still_out(gateway) and gateway.alert is None
        ]

    # ---- devices

    def _scan_devices(self, gateway: Gateway, now: int) -> Iterator[Transition]:
        yield from self._end_alerts(gateway, now)
        rule = self._device_rule
        if rule is None:
            return
        limit = rule.limit_ms(gateway.interval_ms)
        words = PresenceWords(gateway.place, now)
        next_due = now + limit
        for device in gateway.devices.values():
            if device.alert is not None:
                continue
            due = self._silent_since(device.heard_at) + limit
            if now >= due and self._spoke_without(gateway, due):
                device.alert = self._silent_since(device.heard_at)
                yield words.device_raise(rule, device, device.alert)
            else:
                next_due = min(next_due, due)
        gateway.scan_at = next_due

    def _end_alerts(self, gateway: Gateway, now: int) -> Iterator[Transition]:
        """Clear the alerts of devices that were heard again, and let go those that the birth no
        longer lists."""
        for device in list(gateway.devices.values()):
            if not device.listed:
                yield from self._clear_device(gateway, device, "no_longer_announced", now)
                del gateway.devices[device.id]
            elif device.back:
                yield from self._clear_device(gateway, device, "heard_again", now)

    def _clear_device(
        self, gateway: Gateway, device: Device, reason: str, now: int
    ) -> Iterator[Transition]:
        if device.alert is not None and self._device_rule is not None:
            yield PresenceWords(gateway.place, now).device_clear(self._device_rule, device, reason)
        device.alert, device.back = None, False

    def _spoke_without(self, gateway: Gateway, due: int) -> bool:
        """Whether the gateway was heard about when the device was due, so that it is not the one
        that is silent."""
        return self._gateway_rule is None or gateway.heard_at >= due - gateway.interval_ms // 2

    def _suppress_devices(self, gateway: Gateway, reason: str, now: int) -> Iterator[Transition]:
        for device in gateway.devices.values():
            yield from self._clear_device(gateway, device, reason, now)

    # ---- what is known

    def hidden_devices(self) -> dict[str, str]:
        """The devices that a parent's open alert hides, each with the id of that gateway or
        village."""
        hidden: dict[str, str] = {}
        for village in self._roster.villages.values():
            if village.alert is not None:
                for gateway in self._hidden_gateways(village):
                    hidden |= dict.fromkeys(gateway.devices, village.key[2])
            for gateway in village.gateways.values():
                if gateway.alert is not None:
                    hidden |= dict.fromkeys(gateway.devices, gateway.place.gateway)
        return hidden

    def active(self) -> list[OpenCondition]:
        """The alerts held open."""
        open_alerts: list[tuple[Rule | None, str, int | None, str]] = []
        for village in self._roster.villages.values():
            open_alerts.append(
                (self._village_rule, village.key[2], village.alert, village_realm(village.key))
            )
            for gateway in village.gateways.values():
                realm = realm_of("gateway", gateway.place)
                open_alerts.append(
                    (self._gateway_rule, gateway.place.gateway, gateway.alert, realm)
                )
                open_alerts += [
                    (self._device_rule, device.id, device.alert, "")
                    for device in gateway.devices.values()
                ]
        return [
            OpenCondition(rule.id, subject, None, onset, realm)
            for rule, subject, onset, realm in open_alerts
            if rule is not None and onset is not None
        ]

    def adopt(self, episodes: Iterable[OpenCondition], now: int) -> None:
        """Hold open alerts raised before this began; a subject not known yet takes its alert up
        when it is.

        Episodes of rules that are not among this one's are ignored.
        """
        levels: list[tuple[SubjectKind, Rule | None]] = [
            ("device", self._device_rule),
            ("gateway", self._gateway_rule),
            ("village", self._village_rule),
        ]
        kinds = {rule.id: kind for kind, rule in levels if rule is not None}
        for episode in episodes:
            if episode.rule in kinds:
                subject = (kinds[episode.rule], episode.realm, episode.subject)
                self._roster.adopt(subject, episode.onset, now)

    def snapshot(self) -> dict[str, np.ndarray]:
        """The whole state as plain arrays (numbers and texts), to be saved and given to
        `restore`."""
        return roster_snapshot.pack(self._roster)

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Take back a snapshot; silence still counts from this one's start at the earliest.

        Raises KeyError or ValueError where `snapshot` is not one, and then nothing has changed.
        """
        self._roster = roster_snapshot.unpack(snapshot)
        self._roster.judge_anew(self._judged_from)


def _fresh_grace(gateway: Gateway, now: int) -> None:
    """Judge the gateway and all its devices as if they had been heard just now."""
    gateway.away, gateway.back = None, False
    gateway.heard_at = max(gateway.heard_at, now)
    gateway.scan_at = 0
    for device in gateway.devices.values():
        device.heard_at = max(device.heard_at, now)


def _only(rules: Sequence[Rule], level: type[_RuleType]) -> _RuleType | None:
    found = [rule for rule in rules if isinstance(rule, level)]
    if len(found) > 1:
        raise RuleErrors([("kind", f"one rule of kind {found[0].kind}, not {len(found)}")])
    return found[0] if found else None
