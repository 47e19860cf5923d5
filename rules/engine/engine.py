"""The rules over readings, in event time, for the whole fleet at once."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from rules.document.conditions import Applies
from rules.document.rule import Rule
from rules.engine.chatter import Chatter
from rules.engine.fleet import FleetSlots
from rules.readings.batch import Batch, one_row_per_device
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Ints
from rules.readings.filling import from_readings
from rules.readings.season import Season
from rules.transitions.transition import OpenCondition, Transition
from rules.watches.device_rule import DeviceRule
from rules.watches.newest_values import LevelWatch
from rules.watches.watch import Edge, OpenSlot, Watch
from wire.messages import Reading
from wire.topics import GatewayPath

_BEIJING: Final = Season()
_RETIRED: Final = {
    "zh": "{device} 已不在任何网关的名单中，告警关闭。",
    "en": "{device} is no longer announced by any gateway; the alert is closed.",
}


class RuleFailure(NamedTuple):
    """A rule failed at a reading of a device, which is left out for this rule alone."""

    rule: str
    device: str
    error: Exception


class Engine:
    """Evaluates readings by every device rule among `rules`; it ignores the other rules.

    State is arrays by device slot. Callers that bring columns number their devices with `fleet` and
    their fault codes with `codes`. `points` are the points that the rules need.
    `failures` collects what the caller is to report, and empties.
    """

    def __init__(self, rules: Sequence[Rule], season: Season = _BEIJING) -> None:
        self.fleet = FleetSlots(season)
        self.codes = Codes()
        device_rules = [rule for rule in rules if isinstance(rule, DeviceRule)]
        self._written: dict[str, DeviceRule] = {rule.id: rule for rule in device_rules}
        self._rules = dict(self._written)
        self._alike = _alike(device_rules)
        self._watches: dict[str, Watch] = {rule.id: rule.watch(self.codes) for rule in device_rules}
        self._chatter = Chatter(self.fleet.interval_of)
        self.failures: list[RuleFailure] = []
        self._extreme = False
        self._capacity = 0
        both = [*device_rules, *(rule.in_extreme_cold() for rule in device_rules)]
        self.points = tuple(sorted({point for rule in both for point in rule.points}))

    @property
    def late_readings(self) -> int:
        """How many readings were ignored because they were not newer than their device's newest."""
        return self.fleet.late

    def expect(self, devices: Sequence[str], interval_ms: int, village: str = "") -> None:
        """Note the poll interval of devices, which defines their gaps, and their village's name."""
        self.fleet.expect(devices, interval_ms, village)

    def extreme_cold(self, confirmed: bool) -> None:
        """Switch to the rules' limits for extreme cold, or back; the state of each rule stays."""
        if confirmed == self._extreme:
            return
        self._extreme = confirmed
        for name, written in self._written.items():
            rule = written.in_extreme_cold() if confirmed else written
            if rule != self._rules[name]:
                self._exchange(name, rule)
        self._alike = _alike(self._rules.values())

    def _exchange(self, name: str, rule: DeviceRule) -> None:
        watch = rule.watch(self.codes)
        watch.resize(self._capacity)
        watch.restore(self._watches[name].snapshot(self._capacity), np.arange(self._capacity))
        self._rules[name], self._watches[name] = rule, watch

    def observe(
        self, readings: Sequence[tuple[GatewayPath, Reading]], now: int
    ) -> list[Transition]:
        """The transitions that follow from `readings`, in any order; returned by event time.

        `now` (UTC ms) is the server's time. Decisions are made in event time and do not use it.
        """
        bare = [reading for _, reading in readings]
        slots = self.fleet.slots([reading.device for reading in bare])
        return self.step(from_readings(bare, slots, self.points, self.codes.number), now)

    def step(self, batch: Batch, now: int) -> list[Transition]:
        """The same for a batch (`rules.readings.batch.columns`) with a column for each point."""
        self._make_room()
        transitions: list[Transition] = []
        for part in one_row_per_device(batch):
            admitted = self.fleet.admit(part)
            if len(admitted):
                transitions += self._settle(list(self._evaluate(admitted)))
        return sorted(transitions, key=_in_time)

    def moved_values(self) -> list[Transition]:
        """Updates of open alerts whose value has moved a step since it was last reported."""
        moved = [
            self._transition(self._rules[name], edge)
            for name, watch in self._watches.items()
            if isinstance(watch, LevelWatch)
            for edge in watch.moved()
        ]
        return self._chatter.filter(sorted(moved, key=_in_time))

    def _settle(self, transitions: list[Transition]) -> list[Transition]:
        """The transitions to report after these readings: without chatter, with released clears."""
        if transitions:
            self._chatter.tidy(self.fleet.newest_of)
        reported = self._chatter.filter(sorted(transitions, key=_in_time))
        return reported + self._chatter.release(self.fleet.newest_of)

    def _evaluate(self, batch: Batch) -> Iterator[Transition]:
        hourly = batch.first_of_hour()
        for (applies, is_hourly), rules in self._alike.items():
            part = applies.part(hourly if is_hourly else batch)
            for rule in rules if len(part) else ():
                for edge in self._edges(rule, part):
                    yield self._transition(rule, edge)

    def _edges(self, rule: DeviceRule, batch: Batch) -> list[Edge]:
        """The edges of one rule; a row that it fails at is left out, and the others stay."""
        try:
            return list(self._watches[rule.id].step(batch))
        except Exception as error:
            if len(batch) == 1:
                device = self.fleet.devices[int(batch.slots[0])]
                self.failures.append(RuleFailure(rule.id, device, error))
                return []
        rows, middle = np.arange(len(batch)), len(batch) // 2
        halves = batch.take(rows[:middle]), batch.take(rows[middle:])
        return [edge for half in halves for edge in self._edges(rule, half)]

    def _make_room(self) -> None:
        if self._capacity < self.fleet.capacity:
            self._capacity = self.fleet.capacity
            for watch in self._watches.values():
                watch.resize(self._capacity)

    def _transition(self, rule: DeviceRule, edge: Edge) -> Transition:
        assert edge.onset != NEVER, f"{rule.id}: {edge.edge} of an alert that was never raised"
        device = self.fleet.devices[edge.slot]
        return Transition(
            rule=rule.id,
            subject=device,
            subject_kind="device",
            edge=edge.edge,
            code=edge.code,
            onset=edge.onset,
            at=edge.at,
            value=edge.value,
            limit=edge.limit,
            unit=rule.unit,
            priority=edge.priority,
            reason=edge.reason,
            text=rule.texts(edge, device),
        )

    def newest(self) -> dict[str, int]:
        """By device, the event time (UTC ms) of its newest reading."""
        return self.fleet.newest()

    def active(self) -> list[OpenCondition]:
        """The alerts held open, in order of rule, device and code."""
        held_by_rules = [
            OpenCondition(name, self.fleet.devices[held.slot], held.code, held.onset)
            for name, watch in self._watches.items()
            for held in watch.open_slots()
        ]
        reported = [
            replace(condition, onset=self._chatter.onset_of(condition))
            for condition in held_by_rules
        ]
        return sorted(
            reported + self._chatter.open(),
            key=lambda condition: (condition.rule, condition.subject, condition.code or ""),
        )

    def retire(self, devices: Collection[str]) -> list[Transition]:
        """Forget `devices`, which no gateway announces any more.

        Returns the clears of their alerts, with the reason `no_longer_announced`.
        """
        known = [device for device in devices if self.fleet.knows(device)]
        if not known:
            return []
        leaving = set(known)
        clears = [self._retired(held) for held in self.active() if held.subject in leaving]
        slots = self.fleet.slots(known)
        for watch in self._watches.values():
            watch.forget(slots)
        for device in known:
            self._chatter.forget(device)
            self.fleet.forget(device)
        return clears

    def _retired(self, held: OpenCondition) -> Transition:
        rule = self._rules[held.rule]
        return Transition(
            rule=held.rule,
            subject=held.subject,
            subject_kind="device",
            edge="clear",
            code=held.code,
            onset=held.onset,
            at=max(held.onset, self.fleet.newest_of(held.subject)),
            value=None,
            limit=None,
            unit=rule.unit,
            priority=rule.priority,
            reason="no_longer_announced",
            text={
                language: text.format(device=held.subject) for language, text in _RETIRED.items()
            },
        )

    def adopt(self, conditions: Iterable[OpenCondition]) -> None:
        """Hold open alerts that were raised before this engine began.

        The next readings may clear them. Alerts of rules that this engine lacks are ignored.
        """
        for condition in conditions:
            watch = self._watches.get(condition.rule)
            if watch is not None:
                slot = int(self.fleet.slots([condition.subject])[0])
                self._make_room()
                watch.adopt(OpenSlot(slot, condition.code, condition.onset))

    def disown(self, conditions: Iterable[OpenCondition]) -> None:
        """Begin anew with the rules and devices of these open alerts, which nobody has recorded.

        Where a condition still holds it is raised again.
        """
        for condition in conditions:
            watch = self._watches.get(condition.rule)
            if watch is not None and self.fleet.knows(condition.subject):
                watch.forget(self.fleet.slots([condition.subject]))
                self._chatter.forget(condition.subject)

    def snapshot(self) -> dict[str, np.ndarray]:
        """The whole state as plain arrays of numbers and texts, for `restore`."""
        self._make_room()  # for devices that were announced and not yet heard
        saved = {f"fleet.{name}": values for name, values in self.fleet.snapshot().items()}
        saved |= {f"chatter.{name}": values for name, values in self._chatter.snapshot().items()}
        for rule, watch in self._watches.items():
            saved |= {
                f"rule.{rule}.{name}": values
                for name, values in watch.snapshot(len(self.fleet)).items()
            }
        return saved

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Take back a snapshot by device and rule id; ignore other rules and other shapes."""
        slots: Ints = self.fleet.restore(_part(snapshot, "fleet"))
        self._chatter.restore(_part(snapshot, "chatter"))
        self._make_room()
        for rule, watch in self._watches.items():
            watch.restore(_part(snapshot, f"rule.{rule}"), slots)


def _alike(rules: Iterable[DeviceRule]) -> Mapping[tuple[Applies, bool], Sequence[DeviceRule]]:
    """The rules grouped by the rows that they apply to: many share these."""
    alike: dict[tuple[Applies, bool], list[DeviceRule]] = {}
    for rule in rules:
        alike.setdefault((rule.applies, rule.hourly), []).append(rule)
    return alike


def _in_time(transition: Transition) -> tuple[int, str, str, str]:
    return transition.at, transition.subject, transition.rule, transition.code or ""


def _part(snapshot: Mapping[str, np.ndarray], owner: str) -> dict[str, np.ndarray]:
    prefix = f"{owner}."
    return {
        name.removeprefix(prefix): values
        for name, values in snapshot.items()
        if name.startswith(prefix)
    }
