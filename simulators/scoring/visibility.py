"""The truths that demand an alert: those that were visible for long enough. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from simulators.scoring.signs import SIGNS
from simulators.scoring.truths import Topology, Truth, TruthSubject

ABSENCES: Final = frozenset({"communication_loss", "gateway_death", "village_outage", "power_cut"})
"""The classes that silence a subject and its parts."""

Spans = Mapping[TruthSubject, Sequence[tuple[int, int]]]


def demanded(truths: Sequence[Truth], topology: Topology, end: int) -> list[Truth]:
    """The `truths` until `end`; those that cannot demand an alert are made uncertain.

    A class must have a sign, and `shortest_ms` of the fault must have been visible. The silence of
    a part is hidden under that of the whole: only the time in which the part alone was silent
    counts.
    """
    absences = _absences(truths, end)
    return [
        replace(truth, certain=truth.certain and _visible(truth, absences, topology, end))
        for truth in truths
    ]


def _visible(truth: Truth, absences: Spans, topology: Topology, end: int) -> bool:
    signs = SIGNS[truth.kind]
    chain = topology.above(truth.level, truth.subject)
    hiding = chain[1:] if truth.kind in ABSENCES else chain
    visible = visible_ms(truth, (span for part in hiding for span in absences.get(part, ())), end)
    return bool(signs.detects) and visible >= signs.shortest_ms


def _absences(truths: Iterable[Truth], end: int) -> Spans:
    spans: dict[TruthSubject, list[tuple[int, int]]] = defaultdict(list)
    for truth in truths:
        if truth.kind in ABSENCES:
            until = end if truth.end is None else truth.end
            spans[truth.level, truth.subject].append((truth.onset, until))
    return spans


def visible_ms(truth: Truth, hidden: Iterable[tuple[int, int]], end: int) -> int:
    """The time in ms that `truth` lasted, until `end` at most, outside the spans `hidden`."""
    last = end if truth.end is None else min(truth.end, end)
    visible, at = 0, truth.onset
    for begin, until in sorted(hidden):
        visible += max(0, min(begin, last) - at)
        at = max(at, until)
    return visible + max(0, last - at)
