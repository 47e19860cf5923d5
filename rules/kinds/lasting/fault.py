"""A fault code that a heat pump reports itself; one alert per device and code.

The alert rises when every reading has shown the code for `on_delay` (0: on the first reading that
shows it). It clears after `clear_readings` readings in a row without it (contract §11: 2).

Most devices report nothing. The state is therefore no column by slot but a sorted list of the codes
present, one key per (slot, code).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from rules.document import parse
from rules.document.problems import RuleErrors, RuleProblem, noting
from rules.document.rule import key
from rules.document.tables import Keys, parse_table_with_texts
from rules.document.texts import Texts, templates_problems
from rules.readings.batch import Batch
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Ints
from rules.transitions.transition import EdgeKind
from rules.watches.device_rule import DeviceRule
from rules.watches.watch import Edge, OpenSlot, Snapshot
from wire.messages import Priority
from wire.points import FAULT_KINDS

_CODES: Final = 1 << 24
"""Room for code numbers below the slot in a key."""


@dataclass(frozen=True, slots=True)
class FaultMeaning:
    """The priority of a fault kind, its meaning and its first checks; None means the rule's own."""

    meaning: Texts
    priority: Priority | None = None
    household: Texts | None = None
    crew: Texts | None = None


def parse_meanings(value: object) -> dict[str, FaultMeaning]:
    """A table per fault kind: `zh`, `en`, and perhaps `priority`, `household` and `crew`."""
    if not isinstance(value, dict):
        raise ValueError("write a table per fault kind")
    parsed: dict[str, FaultMeaning] = {}
    problems: list[RuleProblem] = [
        (name, f"unknown fault kind; known are {', '.join(sorted(FAULT_KINDS))}")
        for name in value.keys() - FAULT_KINDS
    ]
    problems += [(name, "missing") for name in FAULT_KINDS - value.keys()]
    for name in value.keys() & FAULT_KINDS:
        with noting(problems, name):
            parsed[name] = _parse_meaning(value[name])
    if problems:
        raise RuleErrors(sorted(problems))
    return parsed


def _parse_meaning(value: object) -> FaultMeaning:
    return FaultMeaning(**parse_table_with_texts(value, _MEANING_KEYS, "meaning"))


_MEANING_KEYS: Final[Keys] = {
    "priority": ("priority", parse.priority),
    "household": ("household", parse.texts),
    "crew": ("crew", parse.texts),
}


@dataclass(frozen=True, kw_only=True)
class FaultRule(DeviceRule):
    """Every code a unit reports; `meanings.<kind>` gives priority, meaning and first checks.

    `after` fills the placeholder {after} where another code was present before: that code, {first},
    is the first-out of ISA-18.2, where the search for the cause begins.
    """

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"code", "meaning", "after"}

    meanings: Mapping[str, FaultMeaning] = key(parse_meanings)
    after: Texts = key(parse.texts)
    on_delay_ms: int = key(parse.duration, 0)
    clear_readings: int = key(parse.count, 2)

    def problems(self) -> list[RuleProblem]:
        """See Rule."""
        return [
            *super().problems(),
            *templates_problems("after", self.after, frozenset({"first"})),
        ]

    def advice(self, code: str | None) -> dict[str, Texts]:
        """See Rule; the texts of the code's kind take the place of the rule's."""
        of_kind = self.meaning_of(code or "")
        own = {"meaning": of_kind.meaning, "household": of_kind.household, "crew": of_kind.crew}
        return super().advice(code) | {
            name: texts for name, texts in own.items() if texts is not None
        }

    def watch(self, codes: Codes) -> "FaultWatch":
        """See DeviceRule."""
        return FaultWatch(self, codes)

    def meaning_of(self, code: str) -> FaultMeaning:
        """The meaning of a `kind:vendor_code`; a kind unknown to contract §4 counts as `other`."""
        return self.meanings.get(code.partition(":")[0], self.meanings["other"])

    def more_values(self, edge: Edge, language: str) -> dict[str, str]:
        """See DeviceRule."""
        code = edge.code or ""
        first = None if edge.first_out is None else edge.first_out.partition(":")[2]
        return {
            "code": code.partition(":")[2],
            "meaning": self.meaning_of(code).meaning[language],
            "after": "" if first is None else self.after[language].format(first=first),
        }


class FaultWatch:
    """One fault rule at work on all devices."""

    def __init__(self, rule: FaultRule, codes: Codes) -> None:
        self._rule = rule
        self._codes = codes
        self._present = _Present()
        # By slot, of its row in the batch: event time, and whether every fault register was read.
        self._at_of = np.zeros(0, np.int64)  # NEVER between batches
        self._known_of = np.zeros(0, np.bool_)  # False between batches

    def resize(self, capacity: int) -> None:
        """See Watch."""
        self._at_of = np.full(capacity, NEVER)
        self._known_of = np.zeros(capacity, np.bool_)

    def step(self, batch: Batch) -> list[Edge]:
        """See Watch."""
        shown = np.unique(batch.slots[batch.fault_rows] * _CODES + batch.fault_codes)
        if not len(shown) and not len(self._present.keys):
            return []
        self._at_of[batch.slots] = batch.at
        self._known_of[batch.slots] = batch.faults_known
        edges = self._follow(shown)
        self._at_of[batch.slots] = NEVER
        self._known_of[batch.slots] = False
        return edges

    def _follow(self, shown: Ints) -> list[Edge]:
        new = shown[~_among(shown, self._present.keys)]
        self._present.add(new, self._at_of[new // _CODES])
        present = self._present
        at = self._at_of[present.keys // _CODES]
        seen = _among(present.keys, shown)
        present.missed += self._known_of[present.keys // _CODES] & ~seen
        present.missed[seen] = 0
        raising = seen & ~present.raised & (at - present.onset >= self._rule.on_delay_ms)
        gone = present.missed >= self._rule.clear_readings
        present.raised |= raising
        edges = [
            *self._edges("clear", "code_gone", gone & present.raised, at),
            *self._edges("raise", "code_reported", raising, at),
        ]
        present.keep(~gone)
        return edges

    def _edges(self, edge: EdgeKind, reason: str, which: Bools, at: Ints) -> Iterator[Edge]:
        for index in np.flatnonzero(which).tolist():
            slot, number = divmod(int(self._present.keys[index]), _CODES)
            code = self._codes.texts[number]
            onset = int(self._present.onset[index])
            priority = self._rule.meaning_of(code).priority or self._rule.priority
            first = self._first_out(slot, onset) if edge == "raise" else None
            yield Edge(
                slot, edge, onset, int(at[index]), reason, priority, code=code, first_out=first
            )

    def _first_out(self, slot: int, onset: int) -> str | None:
        """The first of the device's present codes, if it came before `onset`."""
        begin, end = np.searchsorted(self._present.keys, (slot * _CODES, (slot + 1) * _CODES))
        first = begin + int(np.argmin(self._present.onset[begin:end]))
        earlier = self._present.onset[first] < onset
        return self._codes.texts[int(self._present.keys[first]) % _CODES] if earlier else None

    def open_slots(self) -> list[OpenSlot]:
        """See Watch."""
        held = zip(
            self._present.keys.tolist(),
            self._present.onset.tolist(),
            self._present.raised.tolist(),
            strict=True,
        )
        return [
            OpenSlot(key // _CODES, self._codes.texts[key % _CODES], at)
            for key, at, raised in held
            if raised
        ]

    def adopt(self, open_slot: OpenSlot) -> None:
        """See Watch."""
        if open_slot.code is None:
            return
        wanted = np.array([open_slot.slot * _CODES + self._codes.number(open_slot.code)])
        self._present.keep(self._present.keys != wanted)
        self._present.add(wanted, np.array([open_slot.onset]), raised=True)

    def forget(self, slots: Ints) -> None:
        """See Watch."""
        self._present.keep(~np.isin(self._present.keys // _CODES, slots))

    def snapshot(self, count: int) -> Snapshot:
        """See Watch."""
        present = self._present
        texts = [self._codes.texts[number] for number in (present.keys % _CODES).tolist()]
        return {
            "row": present.keys // _CODES,
            "code": np.array(texts, np.str_),
            "onset": present.onset.copy(),
            "missed": present.missed.copy(),
            "raised": present.raised.copy(),
        }

    def restore(self, saved: Mapping[str, np.ndarray], slots: Ints) -> None:
        """See Watch."""
        if not saved.keys() >= {"row", "code", "onset", "missed", "raised"}:
            return
        numbers = np.array(
            [self._codes.number(str(text)) for text in saved["code"].tolist()], np.int64
        )
        self.forget(slots)
        self._present.add(
            slots[saved["row"]] * _CODES + numbers, saved["onset"], saved["raised"], saved["missed"]
        )


def _among(keys: Ints, others: Ints) -> Bools:
    """Which of `keys` are among the rising `others`; np.isin is several times slower for so few."""
    if not len(others):
        return np.zeros(len(keys), np.bool_)
    among: Bools = others[np.minimum(others.searchsorted(keys), len(others) - 1)] == keys
    return among


class _Present:
    """The codes present in the fleet, as parallel arrays sorted by key."""

    def __init__(self) -> None:
        self.keys = np.zeros(0, np.int64)  # slot * _CODES + number of the code
        self.onset = np.zeros(0, np.int64)
        self.raised = np.zeros(0, np.bool_)
        self.missed = np.zeros(0, np.int64)  # consecutive readings without the code

    def add(
        self, keys: Ints, onset: Ints, raised: Bools | bool = False, missed: Ints | int = 0
    ) -> None:
        if not len(keys):
            return
        order = np.argsort(np.concatenate([self.keys, keys]), kind="stable")
        self.keys = np.concatenate([self.keys, keys])[order]
        self.onset = np.concatenate([self.onset, onset])[order]
        self.raised = np.concatenate([self.raised, np.broadcast_to(raised, keys.shape)])[order]
        self.missed = np.concatenate([self.missed, np.broadcast_to(missed, keys.shape)])[order]
        assert (self.keys[1:] > self.keys[:-1]).all(), "a code stands twice on one device"

    def keep(self, which: Bools) -> None:
        if which.all():
            return
        self.keys, self.onset = self.keys[which], self.onset[which]
        self.raised, self.missed = self.raised[which], self.missed[which]
