"""Two gateways that claim one device: an alert until the desk or a birth decides. Server time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rules.document import parse
from rules.document.rule import Rule, key
from rules.transitions.transition import EdgeKind, OpenCondition, Transition
from wire.topics import GatewayPath
from wire.units import MINUTE_MS


@dataclass(frozen=True, kw_only=True)
class OwnershipConflictRule(Rule):
    """A device that several gateways announce, for `on_delay`; cleared after `off_delay` without.

    A unit that moves is announced twice for a moment, and births come one by one after a restart.
    """

    placeholders: ClassVar[frozenset[str]] = frozenset({"device", "gateway", "others", "village"})

    on_delay_ms: int = key(parse.duration, MINUTE_MS)
    off_delay_ms: int = key(parse.duration, MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Contest:
    """The gateway that a device belongs to, None for one not heard yet, and `others` that announce
    it, too.
    """

    owner: GatewayPath | None
    others: Sequence[GatewayPath]


class ConflictWatch:
    """The conflict rules among `rules` at work; `now` is server time, UTC ms."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [rule for rule in rules if isinstance(rule, OwnershipConflictRule)]
        self._begun: dict[str, int] = {}
        self._over: dict[str, int] = {}
        self._open: dict[tuple[str, str], int] = {}

    def step(self, contests: Mapping[str, Contest], now: int) -> list[Transition]:
        """The transitions by `now`, while the devices in `contests` are claimed more than once."""
        if not contests and not self._open:
            self._begun.clear()
            return []
        self._time(contests, now)
        raised = [edge for rule in self._rules for edge in self._raise(rule, contests, now)]
        return raised + [edge for rule in self._rules for edge in self._clear(rule, now)]

    def _time(self, contests: Mapping[str, Contest], now: int) -> None:
        """Note since when each device is claimed more than once, or no longer."""
        self._begun = {device: self._begun.get(device, now) for device in contests}
        open_now = {device for _, device in self._open}
        self._over = {device: self._over.get(device, now) for device in open_now - contests.keys()}

    def _raise(
        self, rule: OwnershipConflictRule, contests: Mapping[str, Contest], now: int
    ) -> list[Transition]:
        due = [
            device
            for device, begun in self._begun.items()
            if (rule.id, device) not in self._open and now - begun >= rule.on_delay_ms
        ]
        self._open |= {(rule.id, device): self._begun[device] for device in due}
        return [self._write(rule, device, "raise", contests[device], now) for device in due]

    def _clear(self, rule: OwnershipConflictRule, now: int) -> list[Transition]:
        due = [
            device
            for device, over in self._over.items()
            if (rule.id, device) in self._open and now - over >= rule.off_delay_ms
        ]
        edges = [self._write(rule, device, "clear", None, now) for device in due]
        for device in due:
            del self._open[rule.id, device]
        return edges

    def _write(
        self,
        rule: OwnershipConflictRule,
        device: str,
        edge: EdgeKind,
        contest: Contest | None,
        now: int,
    ) -> Transition:
        templates = rule.cleared if contest is None else rule.text
        values = {"device": device, **_places(contest)}
        return Transition(
            rule=rule.id,
            subject=device,
            subject_kind="device",
            edge=edge,
            code=None,
            onset=self._open[rule.id, device],
            at=now,
            value=None,
            limit=None,
            unit=None,
            priority=rule.priority,
            reason="decided" if contest is None else "claimed_twice",
            text={language: template.format(**values) for language, template in templates.items()},
        )

    def active(self) -> list[OpenCondition]:
        """The alerts held open."""
        return [
            OpenCondition(rule, device, None, onset) for (rule, device), onset in self._open.items()
        ]

    def adopt(self, conditions: Iterable[OpenCondition]) -> None:
        """Hold open alerts that were raised before; those of other rules are ignored."""
        known = {rule.id for rule in self._rules}
        self._open |= {
            (condition.rule, condition.subject): condition.onset
            for condition in conditions
            if condition.rule in known
        }


def _places(contest: Contest | None) -> dict[str, str]:
    if contest is None:
        return {"gateway": "", "others": "", "village": ""}
    others = ", ".join(f"{path.village}/{path.gateway}" for path in contest.others)
    place = contest.owner or contest.others[0]
    gateway = "?" if contest.owner is None else contest.owner.gateway
    return {"gateway": gateway, "others": others, "village": place.village}
