"""Symptoms as data: quantities, states and fault codes that a sound unit does not show for long.

    [[rule.symptom]]                        # the gravest first
    reason = "pump_without_flow"            # the reason that transitions give
    on_delay = "5m"
    priority = "urgent"                     # default: the rule's
    state = ["heating"]                     # in one of these states
    faults = ["voltage"]                    # while a code of one of these kinds is reported
    unless_faults = ["water_flow"]          # while no code of one of these kinds is reported
    all = [
      { quantity = "flow_lpm", below = 1.0, deadband = 0.5 },
      { quantity = "pump", above = 0.5 },
    ]
    applies = { state = ["heating"] }       # as `[rule.applies]` (rules.document.conditions)
    zh = "…{value}…"                        # fills the placeholder {symptom} of the rule's text
    en = "…"

A symptom holds while all of this is so. Outside its `state` it is over; outside `applies` it is
unknown. `all` begins with the quantity that the symptom is about, best the rarest of its
conditions; an alert carries the value and limit of that quantity. While the alert is about the
symptom, each of its limits is moved by the `deadband`. A symptom with a missing value is over if
another of its conditions fails, else unknown. `rules.kinds.lasting.holding` describes delays and
gaps.
"""

from dataclasses import dataclass, field
from itertools import chain
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.conditions import Applies, Bound, parse_applies, parse_bound, parse_states
from rules.document.problems import RuleProblem
from rules.document.rule import key
from rules.document.tables import Keys, parse_list, parse_table_with_texts
from rules.document.texts import Texts, templates_problems
from rules.kinds.lasting.holding import Evaluated, HeldSymptom, HoldingRule, HoldingWatch
from rules.readings.batch import UNKNOWN_STATE, Batch, state_table
from rules.readings.codes import Codes
from rules.readings.columns import Bools, Floats, Ints
from rules.readings.quantities import unit_of
from rules.watches.device_rule import DeviceRule
from rules.watches.newest_values import value_step
from rules.watches.watch import Edge
from wire.messages import Priority
from wire.points import FAULT_KINDS


@dataclass(frozen=True, slots=True)
class SymptomCondition:
    """A bound whose limit moves by `deadband`, in its unit, while the alert is active."""

    bound: Bound
    deadband: float

    def met(self, values: Floats, relaxed: Bools) -> Bools:
        """By row of `values`, with the deadband where `relaxed`; False where a value is missing."""
        if not self.deadband:
            return self.bound.met(values)
        towards = self.deadband if self.bound.side in ("above", "at_least") else -self.deadband
        return self.bound.met(values + np.where(relaxed, towards, 0.0))


@dataclass(frozen=True, slots=True)
class Symptom:
    """One `[[rule.symptom]]`; empty `states`, `faults` and `unless_faults` are no conditions."""

    reason: str
    every: tuple[SymptomCondition, ...]
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


def parse_conditions(value: object) -> tuple[SymptomCondition, ...]:
    """A list of tables of a quantity, one or more limits and perhaps a `deadband`."""
    example = '{ quantity = "flow_lpm", below = 1.0, deadband = 0.5 }'
    return tuple(chain.from_iterable(parse_list(value, _parse_condition, example)))


def _parse_condition(table: object) -> list[SymptomCondition]:
    if not isinstance(table, dict):
        raise ValueError("write a table")
    deadband = parse.not_negative(table.get("deadband", 0.0))
    limits = {name: table[name] for name in table if name != "deadband"}
    return [SymptomCondition(bound, deadband) for bound in parse_bound(limits)]


def parse_fault_kinds(value: object) -> frozenset[str]:
    """A list of fault kinds of contract §4."""
    if not isinstance(value, list) or not value:
        raise ValueError('write a list of fault kinds like ["voltage"]')
    if unknown := [kind for kind in value if not isinstance(kind, str) or kind not in FAULT_KINDS]:
        raise ValueError(
            f"{unknown[0]!r} is not a fault kind; known are {', '.join(sorted(FAULT_KINDS))}"
        )
    return frozenset(value)


_KEYS: Final[Keys] = {
    "reason": ("reason", parse.rule_id),
    "on_delay": ("on_delay_ms", parse.duration),
    "priority": ("priority", parse.priority),
    "state": ("states", parse_states),
    "faults": ("faults", parse_fault_kinds),
    "unless_faults": ("unless_faults", parse_fault_kinds),
    "applies": ("applies", parse_applies),
    "all": ("every", parse_conditions),
}


def parse_symptoms(value: object) -> tuple[Symptom, ...]:
    """The list `[[rule.symptom]]`."""
    return tuple(parse_list(value, _parse_symptom, "[[rule.symptom]]"))


def _parse_symptom(table: object) -> Symptom:
    return Symptom(**parse_table_with_texts(table, _KEYS, "text", ("reason", "all")))


@dataclass(frozen=True, kw_only=True)
class SymptomsRule(HoldingRule):
    """One of the symptoms for its on-delay; the gravest stands first."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"symptom"}

    symptom: tuple[Symptom, ...] = key(parse_symptoms)

    @property
    def unit(self) -> str | None:
        """The unit that all symptoms share, else None."""
        units = {unit_of(symptom.about.quantity) for symptom in self.symptom}
        return units.pop() if len(units) == 1 else None

    @property
    def quantities(self) -> tuple[str, ...]:
        """See DeviceRule."""
        of_conditions = {
            condition.bound.quantity for symptom in self.symptom for condition in symptom.every
        }
        return tuple(
            sorted(of_conditions.union(*(symptom.applies.points for symptom in self.symptom)))
        )

    def problems(self) -> list[RuleProblem]:
        """See Rule."""
        problems = super().problems()
        reasons = [symptom.reason for symptom in self.symptom]
        repeated = sorted({reason for reason in reasons if reasons.count(reason) > 1})
        problems += [("symptom", f"the reason {reason!r} is used twice") for reason in repeated]
        for position, symptom in enumerate(self.symptom):
            allowed = frozenset({"value", "limit"})
            problems += templates_problems(f"symptom[{position}]", symptom.text, allowed)
        return problems

    def watch(self, codes: Codes) -> "SymptomsWatch":
        """See DeviceRule."""
        return SymptomsWatch(self, codes)

    def more_values(self, edge: Edge, language: str) -> dict[str, str]:
        """See DeviceRule."""
        texts = (
            symptom.text[language] for symptom in self.symptom if symptom.reason == edge.reason
        )
        value = "" if edge.value is None else f"{edge.value:.1f}"
        limit = "" if edge.limit is None else f"{edge.limit:g}"
        return {"symptom": next(texts, "").format(value=value, limit=limit)}


class SymptomsWatch(HoldingWatch):
    """One symptoms rule at work on all devices."""

    def __init__(self, rule: SymptomsRule, codes: Codes) -> None:
        held_symptoms = tuple(
            HeldSymptom(
                symptom.reason,
                symptom.on_delay_ms,
                symptom.priority or rule.priority,
                symptom.about.limit,
                value_step(symptom.every[0].deadband, symptom.about.limit),
            )
            for symptom in rule.symptom
        )
        super().__init__(rule, held_symptoms)
        self._rule = rule
        self._codes = codes
        wanted = [symptom.states or symptom.applies.states for symptom in rule.symptom]
        self._in_states = [state_table(states) if states else None for states in wanted]

    def suspects(self, batch: Batch) -> Bools:
        """See HoldingWatch."""
        suspects = np.zeros(len(batch), bool)
        for symptom, in_states in zip(self._rule.symptom, self._in_states, strict=True):
            if symptom.faults:
                suspects[self._reporting(batch, symptom.faults)] = True
                continue
            shown = symptom.about.met(batch.quantities[symptom.about.quantity])
            if in_states is None:
                suspects |= shown
            else:
                # The rows are few: looking up the state of all would take longer.
                (rows,) = shown.nonzero()
                suspects[rows[in_states[batch.state[rows]]]] = True
        return suspects

    def _reporting(self, batch: Batch, kinds: frozenset[str]) -> Ints:
        """The rows that report a code of one of these kinds."""
        wanted = [
            self._codes.texts[code].partition(":")[0] in kinds
            for code in batch.fault_codes.tolist()
        ]
        rows: Ints = batch.fault_rows[np.array(wanted, bool)]
        return rows

    def evaluate(self, batch: Batch, active: NDArray[np.int8]) -> Evaluated:
        """See HoldingWatch."""
        shape = (len(batch), len(self._rule.symptom))
        holds, unknown, values = np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape)
        adopted = active == len(self._rule.symptom)  # the symptom of these alerts is not known
        for number, symptom in enumerate(self._rule.symptom):
            values[:, number] = batch.quantities[symptom.about.quantity]
            relaxed = (active == number) | adopted
            holds[:, number], unknown[:, number] = self._evaluate_symptom(batch, symptom, relaxed)
        return Evaluated(holds, unknown, values)

    def _evaluate_symptom(
        self, batch: Batch, symptom: Symptom, relaxed: Bools
    ) -> tuple[Bools, Bools]:
        """Where the symptom holds, and where it is unknown (no value, or not `applies`)."""
        false, unknown = self._evaluate_state(batch, symptom)
        for condition in symptom.every:
            values = batch.quantities[condition.bound.quantity]
            missing = np.isnan(values)
            unknown |= missing
            false |= ~missing & ~condition.met(values, relaxed)
        idle = ~symptom.applies.holds(batch)
        return ~false & ~unknown & ~idle, (unknown & ~false) | idle

    def _evaluate_state(self, batch: Batch, symptom: Symptom) -> tuple[Bools, Bools]:
        """Where states and fault codes rule the symptom out, and where these are unknown."""
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
