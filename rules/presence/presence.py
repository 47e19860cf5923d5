"""Who is heard and who is silent, in server time (contract §11 "Offline"); one cause, one alert.

A device is silent while its gateway speaks. A gateway is silent, or its last will came. A village
outage is many gateways silent at once. The larger explanation hides the smaller: a hidden subject
raises nothing, and its open alert is cleared. When the larger alert ends, every subject that is
still silent gets its full limit anew.

Silence counts from the last message, but never from before this server began or its broker
connection came up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from rules.document.rule import Rule
from rules.presence import snapshot as roster_snapshot
from rules.presence.alerting import Alerting
from rules.presence.roster import Roster, RosterGateway, village_realm
from rules.presence.rules import PresenceRules
from rules.presence.silence import SilenceEvaluation
from rules.transitions.transition import OpenCondition, SubjectKind, Transition, realm_of
from wire.topics import GatewayPath

_OpenAlert = tuple[Rule | None, str, int | None, str]
"""Rule, subject, onset and realm."""


class Presence:
    """Evaluates silence by the device, gateway and village rules among `rules`.

    A level without a rule is not evaluated; without a gateway rule there are no village outages
    either. All times are server time, UTC ms. Raises RuleErrors if a level has two rules.
    """

    def __init__(self, rules: Sequence[Rule], started_at: int) -> None:
        self._rules = PresenceRules.among(rules)
        self._silence = SilenceEvaluation(self._rules, started_at)
        self._alerting = Alerting(self._rules, self._silence)
        self._roster = Roster()
        self._bus_down = False

    def announce(
        self, gateway_path: GatewayPath, devices: Sequence[str], interval_ms: int, now: int
    ) -> None:
        """A birth: the gateway polls exactly `devices`, which are expected from now on."""
        self._roster.announce(gateway_path, devices, interval_ms, now)

    def expect(
        self, gateway_path: GatewayPath, devices: Sequence[str], interval_ms: int, now: int
    ) -> None:
        """The gateway owns exactly `devices` now, without a new birth."""
        self._roster.expect(gateway_path, devices, interval_ms, now)

    def release(self, devices: Iterable[str]) -> None:
        """The owner of `devices` has changed; `expect` or `announce` names the new one."""
        self._roster.release(devices)

    def retire(self, gateway_path: GatewayPath, now: int) -> None:
        """The desk has ended the gateway: its alerts end with the next step."""
        self._roster.retire(gateway_path, now)

    def heard(
        self, gateway_path: GatewayPath, devices: Iterable[str], interval_ms: int, now: int
    ) -> None:
        """A telemetry message of the gateway came, with readings of `devices`."""
        self._roster.heard(gateway_path, devices, interval_ms, now)

    def last_will(self, gateway_path: GatewayPath, now: int) -> None:
        """The broker published the last will of the gateway."""
        self._roster.last_will(gateway_path, now)

    def bus_down(self, now: int) -> None:
        """The server's own broker connection is gone: nothing is evaluated until `bus_up`."""
        self._bus_down = True

    def bus_up(self, now: int) -> None:
        """The broker connection is back: silence and last wills count from `now`."""
        self._bus_down = False
        self._silence.since = now
        self._roster.begin_anew(now)

    def clock_stepped(self, step_ms: int) -> None:
        """The server's clock was set forward by `step_ms`: silence keeps its length."""
        self._silence.since += step_ms
        self._roster.shift(step_ms)

    def step(self, now: int) -> list[Transition]:
        """The transitions by `now`; the caller steps about once a second."""
        if self._bus_down:
            return []
        return [
            transition
            for village in self._roster.villages.values()
            for transition in self._alerting.step_village(village, now)
        ]

    def active(self) -> list[OpenCondition]:
        """The alerts held open."""
        return [
            OpenCondition(rule.id, subject, None, onset, realm)
            for rule, subject, onset, realm in self._alerts()
            if rule is not None and onset is not None
        ]

    def _alerts(self) -> Iterator[_OpenAlert]:
        for village in self._roster.villages.values():
            yield self._rules.village, village.key[2], village.alert, village_realm(village.key)
            for gateway in village.gateways.values():
                yield from self._alerts_below(gateway)

    def _alerts_below(self, gateway: RosterGateway) -> Iterator[_OpenAlert]:
        path = gateway.gateway_path
        yield self._rules.gateway, path.gateway, gateway.alert, realm_of("gateway", path)
        for device in gateway.devices.values():
            yield self._rules.device, device.id, device.alert, ""

    def adopt(self, conditions: Iterable[OpenCondition], now: int) -> None:
        """Hold open alerts that were raised before this began; alerts of other rules are ignored.

        A subject that is not known yet takes its alert up when it is first announced or heard.
        """
        levels: list[tuple[SubjectKind, Rule | None]] = [
            ("device", self._rules.device),
            ("gateway", self._rules.gateway),
            ("village", self._rules.village),
        ]
        kinds = {rule.id: kind for kind, rule in levels if rule is not None}
        for condition in conditions:
            if condition.rule in kinds:
                subject = (kinds[condition.rule], condition.realm, condition.subject)
                self._roster.adopt(subject, condition.onset, now)

    def disown(self, conditions: Iterable[OpenCondition]) -> None:
        """Let go of these open alerts, which nobody has recorded; silence raises them again."""
        for condition in conditions:
            self._roster.disown(condition.subject, condition.realm)

    def snapshot(self) -> dict[str, np.ndarray]:
        """The whole state as plain arrays of numbers and texts, for `restore`."""
        return roster_snapshot.pack(self._roster)

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Take back a snapshot; silence still counts from this start at the earliest.

        Raises KeyError or ValueError for anything else, and then changes nothing.
        """
        self._roster = roster_snapshot.unpack(snapshot)
        self._roster.begin_anew(self._silence.since)
