"""Symptoms as data: combinations of quantities, states and fault codes that a healthy unit does not
show for long.

    [[rule.symptom]]                        # the gravest first
    reason = "pump_without_flow"            # why, in transitions
    on_delay = "5m"
    priority = "urgent"                     # that of the rule if left out
    state = ["heating"]                     # in one of these states
    faults = ["voltage"]                    # while a code of one of these kinds is reported
    unless_faults = ["water_flow"]          # but not while one of these kinds says it already
    all = [{ quantity = "flow_lpm", below = 1.0, deadband = 0.5 }, { quantity = "pump", above = 0.5 }]
    applies = { state = ["heating"] }       # elsewhere it says nothing (as `[rule.applies]`, rules.document.conditions)
    zh = "…{value}…"                        # what the placeholder {symptom} of the rule's text stands for
    en = "…"

A symptom holds while all of this is so; outside its `state` it is over, outside `applies` it is
only not seen. `all` begins with the quantity that the symptom is about, best the rarest of its
conditions; value and limit of an alert are that quantity's. While the alert is about it, each of
its limits is moved by the `deadband`. A symptom with a missing value is over if another of its
conditions says so, else unknown. How delays and gaps are treated is told in `rules.kinds.lasting.holding`.
"""

from dataclasses import dataclass, field
from itertools import chain
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document.conditions import Applies, Bound, applies, bound, states
from rules.document.rule import (
    Problem,
    Texts,
    duration,
    key,
    not_negative,
    priority,
    rule_id,
    template_problems,
)
from rules.document.tables import Keys, each, read_table_of_texts
from rules.kinds.lasting.holding import Finding, HoldingRule, HoldingWatch, Judged
from rules.readings.batch import UNKNOWN_STATE, Batch, state_table
from rules.readings.codes import Codes
from rules.readings.columns import Bools, Floats, Ints
from rules.readings.quantities import unit_of
from rules.watches.watch import DeviceRule, Edge
from wire.messages import Priority
from wire.points import FAULT_KINDS


@dataclass(frozen=True, slots=True)
class Condition:
    """A bound whose limit moves by `deadband`, in its quantity's unit, while the alert is
    active."""

    bound: Bound
    deadband: float

    def met(self, values: Floats, relaxed: Bools) -> Bools:
        """By row, with the deadband where `relaxed`; a missing value meets nothing."""
        towards = self.deadband if self.bound.side in ("above", "at_least") else -self.deadband
        return self.bound.met(values + np.where(relaxed, towards, 0.0) if self.deadband else values)


@dataclass(frozen=True, slots=True)
class Symptom:
    """One `[[rule.symptom]]`; empty `states`, `faults` and `unless_faults` ask for nothing."""

    reason: str
    every: tuple[Condition, ...]
    text: Texts
    on_delay_ms: int = 0
    priority: Priority | None = None
    states: tuple[int, ...] = ()
    faults: frozenset[str] = frozenset()
    unless_faults: frozenset[str] = frozenset()
    applies: Applies = field(default_factory=Applies)

    @property
    def about(self) -> Bound:
        """The bound that the symptom is about."""
        return self.every[0].bound


def conditions(value: object) -> tuple[Condition, ...]:
    """Tables of a quantity, a bound and perhaps a `deadband`."""
    found = each(value, _conditions, '{ quantity = "flow_lpm", below = 1.0, deadband = 0.5 }')
    return tuple(chain.from_iterable(found))


def _conditions(table: object) -> list[Condition]:
    if not isinstance(table, dict):
        raise ValueError("write a table")
    deadband = not_negative(table.get("deadband", 0.0))
    return [
        Condition(one, deadband)
        for one in bound({name: table[name] for name in table if name != "deadband"})
    ]


def fault_kinds(value: object) -> frozenset[str]:
    """Fault kinds of contract §4."""
    if not isinstance(value, list) or not value:
        raise ValueError('write a list of fault kinds like ["voltage"]')
    if unknown := [kind for kind in value if not isinstance(kind, str) or kind not in FAULT_KINDS]:
        raise ValueError(
            f"{unknown[0]!r} is not a fault kind; known are {', '.join(sorted(FAULT_KINDS))}"
        )
    return frozenset(value)


_KEYS: Final[Keys] = {
    "reason": ("reason", rule_id),
    "on_delay": ("on_delay_ms", duration),
    "priority": ("priority", priority),
    "state": ("states", states),
    "faults": ("faults", fault_kinds),
    "unless_faults": ("unless_faults", fault_kinds),
    "applies": ("applies", applies),
    "all": ("every", conditions),
}


def symptoms(value: object) -> tuple[Symptom, ...]:
    """The list `[[rule.symptom]]`."""
    return tuple(each(value, _symptom, "[[rule.symptom]]"))


def _symptom(table: object) -> Symptom:
    return Symptom(**read_table_of_texts(table, _KEYS, "text", ("reason", "all")))


@dataclass(frozen=True, kw_only=True)
class SymptomsRule(HoldingRule):
    """Any of the symptoms for its on-delay, the gravest first."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"symptom"}

    symptom: tuple[Symptom, ...] = key(symptoms)

    @property
    def unit(self) -> str | None:
        units = {unit_of(one.about.quantity) for one in self.symptom}
        return units.pop() if len(units) == 1 else None

    @property
    def quantities(self) -> tuple[str, ...]:
        held = {condition.bound.quantity for one in self.symptom for condition in one.every}
        return tuple(sorted(held.union(*(one.applies.points for one in self.symptom))))

    def problems(self) -> list[Problem]:
        reasons = [one.reason for one in self.symptom]
        repeated = sorted({reason for reason in reasons if reasons.count(reason) > 1})
        return [
            *super().problems(),
            *(("symptom", f"the reason {reason!r} is used twice") for reason in repeated),
            *(
                (f"symptom[{position}].{language}", problem)
                for position, one in enumerate(self.symptom)
                for language, template in one.text.items()
                for problem in template_problems(template, frozenset({"value", "limit"}))
            ),
        ]

    def watch(self, codes: Codes) -> "SymptomsWatch":
        return SymptomsWatch(self, codes)

    def more_words(self, edge: Edge, language: str) -> dict[str, str]:
        shown = next((one.text[language] for one in self.symptom if one.reason == edge.reason), "")
        value = "" if edge.value is None else f"{edge.value:.1f}"
        limit = "" if edge.limit is None else f"{edge.limit:g}"
        return {"symptom": shown.format(value=value, limit=limit)}


class SymptomsWatch(HoldingWatch):
    """One such rule at work on all devices."""

    def __init__(self, rule: SymptomsRule, codes: Codes) -> None:
        findings = tuple(
            Finding(one.reason, one.on_delay_ms, one.priority or rule.priority, one.about.limit)
            for one in rule.symptom
        )
        super().__init__(rule, findings)
        self._rule = rule
        self._codes = codes
        wanted = [one.states or one.applies.states for one in rule.symptom]
        self._in_states = [state_table(states) if states else None for states in wanted]

    def suspects(self, batch: Batch) -> Bools:
        found = np.zeros(len(batch), bool)
        for symptom, in_states in zip(self._rule.symptom, self._in_states, strict=True):
            if symptom.faults:
                found[self._reporting(batch, symptom.faults)] = True
                continue
            shown = symptom.about.met(batch.quantities[symptom.about.quantity])
            if in_states is None:
                found |= shown
            else:
                (rows,) = (
                    shown.nonzero()
                )  # few, so that looking up the states of all would take longer
                found[rows[in_states[batch.state[rows]]]] = True
        return found

    def _reporting(self, batch: Batch, kinds: frozenset[str]) -> Ints:
        """The rows that report a code of one of these kinds."""
        wanted = [
            self._codes.texts[code].partition(":")[0] in kinds
            for code in batch.fault_codes.tolist()
        ]
        rows: Ints = batch.fault_rows[np.array(wanted, bool)]
        return rows

    def judge(self, batch: Batch, active: NDArray[np.int8]) -> Judged:
        shape = (len(batch), len(self._rule.symptom))
        holds, unknown, values = np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape)
        for place, symptom in enumerate(self._rule.symptom):
            values[:, place] = batch.quantities[symptom.about.quantity]
            relaxed = (active == place) | (
                active == len(self._rule.symptom)
            )  # the latter: adopted, from whichever
            holds[:, place], unknown[:, place] = self._judge_one(batch, symptom, relaxed)
        return Judged(holds, unknown, values)

    def _judge_one(self, batch: Batch, symptom: Symptom, relaxed: Bools) -> tuple[Bools, Bools]:
        """Where it holds, and where that is open: a value is missing, or it does not apply."""
        false, unknown = self._judge_state(batch, symptom)
        for condition in symptom.every:
            values = batch.quantities[condition.bound.quantity]
            missing = np.isnan(values)
            unknown |= missing
            false |= ~missing & ~condition.met(values, relaxed)
        idle = ~symptom.applies.holds(batch)
        return ~false & ~unknown & ~idle, (unknown & ~false) | idle

    def _judge_state(self, batch: Batch, symptom: Symptom) -> tuple[Bools, Bools]:
        """Where states and fault codes rule it out, and where they cannot be told."""
        false, unknown = np.zeros(len(batch), bool), np.zeros(len(batch), bool)
        if symptom.states:
            unknown |= batch.state == UNKNOWN_STATE
            false |= ~state_table(symptom.states)[batch.state] & ~unknown
        if symptom.faults:
            silent = np.ones(len(batch), bool)
            silent[self._reporting(batch, symptom.faults)] = False
            unknown |= silent & ~batch.faults_known
            false |= silent & batch.faults_known
        if symptom.unless_faults:
            false[self._reporting(batch, symptom.unless_faults)] = True
        return false, unknown
