"""The transitions of presence, with their words."""

from dataclasses import dataclass

from rules.document.rule import Rule, Texts
from rules.presence.roster import Away, Device, Gateway, Village
from rules.presence.rules import (
    DeviceOfflineRule,
    GatewayOfflineRule,
    SilenceRule,
    VillageOutageRule,
)
from rules.transitions.transition import EdgeKind, SubjectKind, Transition
from wire.topics import GatewayPath


@dataclass(frozen=True, slots=True)
class PresenceWords:
    """Writes transitions about what is at `place`, decided at `now` (server time, UTC ms)."""

    place: GatewayPath
    now: int

    def device_raise(self, rule: DeviceOfflineRule, device: Device, onset: int) -> Transition:
        """A device is silent since `onset` while its gateway speaks."""
        return self._write(rule, "device", device.id, "raise", onset, "no_reading", rule.text)

    def device_clear(self, rule: DeviceOfflineRule, device: Device, reason: str) -> Transition:
        """A device's alert ends; one that is not open has no onset and must not come here."""
        return self._write(
            rule, "device", device.id, "clear", device.alert, reason, _end(rule, reason)
        )

    def gateway_raise(self, rule: GatewayOfflineRule, gateway: Gateway, away: Away) -> Transition:
        """A gateway is away; all its devices are hidden under it."""
        subject, children = gateway.place.gateway, len(gateway.devices)
        return self._write(
            rule, "gateway", subject, "raise", away.since, away.reason, rule.text, children
        )

    def gateway_clear(self, rule: GatewayOfflineRule, gateway: Gateway, reason: str) -> Transition:
        """A gateway's alert ends."""
        subject, children = gateway.place.gateway, len(gateway.devices)
        return self._write(
            rule, "gateway", subject, "clear", gateway.alert, reason, _end(rule, reason), children
        )

    def village(
        self, rule: VillageOutageRule, village: Village, gateways: int, edge: EdgeKind, reason: str
    ) -> Transition:
        """An outage of `gateways` gateways begins, changes or ends."""
        templates = rule.cleared if edge == "clear" else rule.text
        subject, children = village.key[2], village.children
        return self._write(
            rule, "village", subject, edge, village.alert, reason, templates, children, gateways
        )

    def _write(
        self,
        rule: Rule,
        subject_kind: SubjectKind,
        subject: str,
        edge: EdgeKind,
        onset: int | None,
        reason: str,
        templates: Texts,
        children: int = 0,
        gateways: int = 1,
    ) -> Transition:
        began = self.now if onset is None else onset
        blanks = {
            "device": subject,
            "gateway": self.place.gateway,
            "village": self.place.village,
            "children": children,
            "gateways": gateways,
            "minutes": (self.now - began) // 60_000,
        }
        return Transition(
            rule=rule.id,
            subject=subject,
            subject_kind=subject_kind,
            edge=edge,
            code=None,
            onset=began,
            at=self.now,
            value=None,
            limit=None,
            unit=None,
            priority=rule.priority,
            reason=reason,
            text={language: template.format(**blanks) for language, template in templates.items()},
            children=children,
            gateway_path=None if subject_kind == "device" else self.place,
        )


def _end(rule: SilenceRule, reason: str) -> Texts:
    return rule.suppressed if reason.startswith("suppressed") else rule.cleared
