"""The transitions of presence, with their texts."""

from dataclasses import dataclass

from rules.document.rule import Rule
from rules.document.texts import Texts
from rules.presence.roster import RosterDevice, RosterGateway, RosterVillage
from rules.presence.rules import (
    DeviceOfflineRule,
    GatewayOfflineRule,
    SilenceRule,
    VillageOutageRule,
)
from rules.transitions.transition import EdgeKind, SubjectKind, Transition
from wire.topics import GatewayPath
from wire.units import MINUTE_MS


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whom a transition is about; `children` devices and `gateways` gateways are hidden below."""

    kind: SubjectKind
    id: str
    onset: int | None
    children: int = 0
    gateways: int = 1


@dataclass(frozen=True, slots=True)
class PresenceTexts:
    """Writes transitions about subjects at `gateway_path`, decided at `now` (server time, UTC ms).

    Each transition takes the onset of the subject's open alert.
    """

    gateway_path: GatewayPath
    now: int

    def device(
        self, rule: DeviceOfflineRule, device: RosterDevice, edge: EdgeKind, reason: str
    ) -> Transition:
        """A device's alert begins or ends."""
        return self._write(rule, _Subject("device", device.id, device.alert), edge, reason)

    def gateway(
        self, rule: GatewayOfflineRule, gateway: RosterGateway, edge: EdgeKind, reason: str
    ) -> Transition:
        """A gateway's alert, which hides all its devices, begins or ends."""
        name, children = gateway.gateway_path.gateway, len(gateway.devices)
        return self._write(rule, _Subject("gateway", name, gateway.alert, children), edge, reason)

    def village(
        self,
        rule: VillageOutageRule,
        village: RosterVillage,
        gateways: int,
        edge: EdgeKind,
        reason: str,
    ) -> Transition:
        """An outage that hides `gateways` gateways begins, changes or ends."""
        subject = _Subject("village", village.key[2], village.alert, village.children, gateways)
        return self._write(rule, subject, edge, reason)

    def _write(self, rule: Rule, subject: _Subject, edge: EdgeKind, reason: str) -> Transition:
        assert subject.onset is not None, f"{edge} of an alert of {subject.id} that is not open"
        values = {
            "device": subject.id,
            "gateway": self.gateway_path.gateway,
            "village": self.gateway_path.village,
            "children": subject.children,
            "gateways": subject.gateways,
            "minutes": (self.now - subject.onset) // MINUTE_MS,
        }
        templates = _templates(rule, edge, reason)
        return Transition(
            rule=rule.id,
            subject=subject.id,
            subject_kind=subject.kind,
            edge=edge,
            code=None,
            onset=subject.onset,
            at=self.now,
            value=None,
            limit=None,
            unit=None,
            priority=rule.priority,
            reason=reason,
            text={language: template.format(**values) for language, template in templates.items()},
            children=subject.children,
            gateway_path=None if subject.kind == "device" else self.gateway_path,
        )


def _templates(rule: Rule, edge: EdgeKind, reason: str) -> Texts:
    if edge != "clear":
        return rule.text
    if isinstance(rule, SilenceRule) and reason.startswith("suppressed"):
        return rule.suppressed
    return rule.cleared
