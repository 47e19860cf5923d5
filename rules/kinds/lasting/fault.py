"""A fault code that a heat pump reports itself; one alert per device and code.

Raised when the code has been seen on every reading for `on_delay` (0: on the first reading that
shows it); cleared after `clear_readings` consecutive readings without it (contract §11: 2).

Most devices report nothing, so the state is not by slot but a sorted list of what is present: one
key per (slot, code).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from rules.document.rule import (
    Problem,
    RuleErrors,
    Texts,
    count,
    duration,
    key,
    noting,
    priority,
    template_problems,
    texts,
)
from rules.document.tables import Keys, read_table_of_texts
from rules.readings.batch import Batch
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Ints
from rules.transitions.transition import EdgeKind
from rules.watches.watch import DeviceRule, Edge, OpenSlot, Snapshot
from wire.messages import Priority
from wire.points import FAULT_KINDS

_CODES: Final = 1 << 24
"""Room for code numbers below the slot in a key."""


@dataclass(frozen=True, slots=True)
class FaultMeaning:
    """What a kind of fault means, and first checks for the household and for the crew; None is that
    of the rule."""

    meaning: Texts
    priority: Priority | None = None
    household: Texts | None = None
    crew: Texts | None = None


def meanings(value: object) -> dict[str, FaultMeaning]:
    """A table per fault kind with `zh`, `en`, and perhaps a `priority` and texts for `household`
    and `crew`."""
    if not isinstance(value, dict):
        raise ValueError("write a table per fault kind")
    parsed: dict[str, FaultMeaning] = {}
    problems: list[Problem] = [
        (name, f"unknown fault kind; known are {', '.join(sorted(FAULT_KINDS))}")
        for name in value.keys() - FAULT_KINDS
    ]
    problems += [(name, "missing") for name in FAULT_KINDS - value.keys()]
    for name in value.keys() & FAULT_KINDS:
        with noting(problems, name):
            parsed[name] = _meaning(value[name])
    if problems:
        raise RuleErrors(sorted(problems))
    return parsed


def _meaning(value: object) -> FaultMeaning:
    return FaultMeaning(**read_table_of_texts(value, _MEANING_KEYS, "meaning"))


_MEANING_KEYS: Final[Keys] = {
    "priority": ("priority", priority),
    "household": ("household", texts),
    "crew": ("crew", texts),
}


@dataclass(frozen=True, kw_only=True)
class FaultRule(DeviceRule):
    """Every code a unit reports; priority, meaning and first checks come from the code's kind,
    `meanings.<kind>`.

    `after` stands for the placeholder {after} in the alert of a code that came while another was there: that one,
    {first}, is the first-out of ISA-18.2, where the search for the cause begins.
    """

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"code", "meaning", "after"}

    meanings: Mapping[str, FaultMeaning] = key(meanings)
    after: Texts = key(texts)
    on_delay_ms: int = key(duration, 0)
    clear_readings: int = key(count, 2)

    def problems(self) -> list[Problem]:
        return super().problems() + [
            (f"after.{language}", problem)
            for language, template in self.after.items()
            for problem in template_problems(template, frozenset({"first"}))
        ]

    def advice(self, code: str | None) -> dict[str, Texts]:
        of_kind = self.meaning_of(code or "")
        own = {"meaning": of_kind.meaning, "household": of_kind.household, "crew": of_kind.crew}
        return super().advice(code) | {name: said for name, said in own.items() if said is not None}

    def watch(self, codes: Codes) -> "FaultWatch":
        return FaultWatch(self, codes)

    def meaning_of(self, code: str) -> FaultMeaning:
        """Of a `kind:vendor_code`; a kind that is none of contract §4 counts as `other`."""
        return self.meanings.get(code.partition(":")[0], self.meanings["other"])

    def more_words(self, edge: Edge, language: str) -> dict[str, str]:
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
        self._at_of = np.zeros(
            0, np.int64
        )  # by slot: event time of the row in this batch; NEVER between batches
        self._known_of = np.zeros(
            0, np.bool_
        )  # by slot: whether that row tells every fault; False between batches

    def resize(self, capacity: int) -> None:
        self._at_of = np.full(capacity, NEVER)
        self._known_of = np.zeros(capacity, np.bool_)

    def step(self, batch: Batch) -> list[Edge]:
        shown = np.unique(batch.slots[batch.fault_rows] * _CODES + batch.fault_codes)
        if not len(shown) and not len(self._present.keys):
            return []
        self._at_of[batch.slots] = batch.at
        self._known_of[batch.slots] = batch.faults_known
        edges = self._judge(shown)
        self._at_of[batch.slots] = NEVER
        self._known_of[batch.slots] = False
        return edges

    def _judge(self, shown: Ints) -> list[Edge]:
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
            urgency = self._rule.meaning_of(code).priority or self._rule.priority
            first = self._first_out(slot, onset) if edge == "raise" else None
            yield Edge(
                slot, edge, onset, int(at[index]), reason, urgency, code=code, first_out=first
            )

    def _first_out(self, slot: int, onset: int) -> str | None:
        """The code present on the device that came first, if that was before `onset`."""
        begin, end = np.searchsorted(self._present.keys, (slot * _CODES, (slot + 1) * _CODES))
        first = begin + int(np.argmin(self._present.onset[begin:end]))
        earlier = self._present.onset[first] < onset
        return self._codes.texts[int(self._present.keys[first]) % _CODES] if earlier else None

    def open_slots(self) -> list[OpenSlot]:
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

    def adopt(self, episode: OpenSlot) -> None:
        if episode.code is None:
            return
        wanted = np.array([episode.slot * _CODES + self._codes.number(episode.code)])
        self._present.keep(self._present.keys != wanted)
        self._present.add(wanted, np.array([episode.onset]), raised=True)

    def forget(self, slots: Ints) -> None:
        self._present.keep(~np.isin(self._present.keys // _CODES, slots))

    def snapshot(self, count: int) -> Snapshot:
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
    """Which of `keys` are among `others`, which rise: np.isin takes several times as long for so
    few."""
    if not len(others):
        return np.zeros(len(keys), np.bool_)
    found: Bools = others[np.minimum(others.searchsorted(keys), len(others) - 1)] == keys
    return found


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

    def keep(self, which: Bools) -> None:
        if which.all():
            return
        self.keys, self.onset = self.keys[which], self.onset[which]
        self.raised, self.missed = self.raised[which], self.missed[which]
