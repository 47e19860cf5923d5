"""Which truths an alert may be demanded of: those that were heard of for long enough. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from simulators.scoring.signs import SIGNS
from simulators.scoring.truths import Topology, Truth, TruthSubject

ABSENCES: Final = frozenset({"communication_loss", "gateway_death", "village_outage", "power_cut"})
"""The classes during which nothing is heard of a subject and its parts."""

Spans = Mapping[TruthSubject, Sequence[tuple[int, int]]]


def demanded(truths: Sequence[Truth], places: Topology, end: int) -> list[Truth]:
    """`truths` until `end`, uncertain where no alert can be demanded: the class has no sign, or too
    little was seen.

    A fault must have been heard for the `shortest_ms` of its class. The silence of a part is hidden
    under that of the whole, so it counts for the time in which only the part was silent.
    """
    absences = _absences(truths, end)
    return [
        replace(truth, certain=truth.certain and _seen(truth, absences, places, end))
        for truth in truths
    ]


def _seen(truth: Truth, absences: Spans, places: Topology, end: int) -> bool:
    signs = SIGNS[truth.kind]
    chain = places.above(truth.level, truth.subject)
    hiding = chain[1:] if truth.kind in ABSENCES else chain
    visible = visible_ms(truth, (span for part in hiding for span in absences.get(part, ())), end)
    return bool(signs.detects) and visible >= signs.shortest_ms


def _absences(truths: Iterable[Truth], end: int) -> Spans:
    spans: dict[TruthSubject, list[tuple[int, int]]] = defaultdict(list)
    for truth in truths:
        if truth.kind in ABSENCES:
            spans[truth.level, truth.subject].append(
                (truth.onset, end if truth.end is None else truth.end)
            )
    return spans


def visible_ms(truth: Truth, hidden: Iterable[tuple[int, int]], end: int) -> int:
    """For how long `truth` lasted, until `end` at most, outside the spans `hidden`; ms."""
    last = end if truth.end is None else min(truth.end, end)
    visible, at = 0, truth.onset
    for begin, until in sorted(hidden):
        visible += max(0, min(begin, last) - at)
        at = max(at, until)
    return visible + max(0, last - at)
