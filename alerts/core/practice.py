"""How alerts become tickets: by rule id, the kind of ticket and the alerts it may follow from."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from desk.tickets.life_cycle import TicketKind
from desk.tickets.terms import ServiceTerms
from rules.document.rule import Rule


@dataclass(frozen=True, slots=True)
class Practice:
    """The terms of service, and by rule id the kind of ticket and the rules it may follow from."""

    terms: ServiceTerms
    kinds: Mapping[str, TicketKind]
    follows: Mapping[str, Collection[str]]


def practice_of(rules: Iterable[Rule], terms: ServiceTerms) -> Practice:
    """The practice that the rules state, under `terms`."""
    known = list(rules)
    kinds = {rule.id: cast("TicketKind", rule.ticket) for rule in known if rule.ticket is not None}
    return Practice(terms, kinds, {rule.id: rule.follows for rule in known})
