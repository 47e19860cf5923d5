"""Counting: truths and alerts to figures per class, a confusion table, and quiet weeks."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from simulators.scoring.signs import SIGNS, home_of
from simulators.scoring.truths import ScoredAlert, Topology, Truth, TruthSubject
from wire.units import SECOND_MS, WEEK_MS

FOREVER: Final = 2**62
NOTHING: Final = "nothing"
"""The row of the confusion table for alerts without a cause."""


@dataclass(slots=True)
class ClassScore:
    """Figures of one class; `delays_s` are the seconds from onset to the first detection.

    `injected` counts the certain truths, `unasked` those too faint or too hidden to demand an
    alert.
    """

    injected: int = 0
    detected: int = 0
    unasked: int = 0
    false: int = 0
    delays_s: list[float] = field(default_factory=list)

    @property
    def recall(self) -> float | None:
        """The detected share of the injected truths; None without any."""
        return self.detected / self.injected if self.injected else None

    @property
    def precision(self) -> float | None:
        """The share of detections in detections and false alerts; None without any."""
        claimed = self.detected + self.false
        return self.detected / claimed if claimed else None

    def to_document(self) -> dict[str, Any]:
        """The figures under their names in contract §11."""
        return {
            "injected": self.injected,
            "detected": self.detected,
            "false": self.false,
            "recall": _rounded(self.recall),
            "precision": _rounded(self.precision),
            "delay_median_s": median(self.delays_s) if self.delays_s else None,
            "unasked": self.unasked,
        }

    def to_text(self) -> str:
        """The figures for people, on one line."""
        delay = f", after {median(self.delays_s):.0f} s (median)" if self.delays_s else ""
        return f"{self.detected} of {self.injected} found{delay}, {self.false} false"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


@dataclass(slots=True)
class Score:
    """The figures of a run by class, and alerts by class and sign (`confusion[class][sign]`)."""

    classes: dict[str, ClassScore] = field(default_factory=lambda: defaultdict(ClassScore))
    confusion: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    false_alerts: list[ScoredAlert] = field(default_factory=list)
    missed: list[Truth] = field(default_factory=list)

    @property
    def false(self) -> int:
        """The number of alerts without a cause."""
        return len(self.false_alerts)

    def add(self, other: "Score") -> None:
        """Add the figures of another part of the same run."""
        for kind, theirs in other.classes.items():
            ours = self.classes[kind]
            ours.injected += theirs.injected
            ours.detected += theirs.detected
            ours.unasked += theirs.unasked
            ours.false += theirs.false
            ours.delays_s += theirs.delays_s
        for kind, counts in other.confusion.items():
            self.confusion[kind].update(counts)
        self.false_alerts += other.false_alerts
        self.missed += other.missed


def score(truths: Sequence[Truth], alerts: Iterable[ScoredAlert], topology: Topology) -> Score:
    """The score of `alerts` against `truths` by the table of `signs`."""
    result = Score()
    by_subject: dict[TruthSubject, list[int]] = defaultdict(list)
    for index, truth in enumerate(truths):
        by_subject[truth.level, truth.subject].append(index)
    detections: dict[int, ScoredAlert] = {}
    for alert in sorted(alerts, key=lambda alert: (alert.raised_at, alert.subject, alert.sign)):
        near = [
            index
            for part in topology.above(alert.level, alert.subject)
            for index in by_subject.get(part, ())
        ]
        covering = [index for index in near if _covers(truths[index], alert)]
        _assign(alert, covering, truths, detections, result)
    for index, truth in enumerate(truths):
        _count(truth, detections.get(index), result)
    return result


def _covers(truth: Truth, alert: ScoredAlert) -> bool:
    end = FOREVER if truth.end is None else truth.end + SIGNS[truth.kind].linger_ms
    return truth.onset <= alert.raised_at <= end


def _assign(
    alert: ScoredAlert,
    covering: list[int],
    truths: Sequence[Truth],
    detections: dict[int, ScoredAlert],
    result: Score,
) -> None:
    """Assign the alert to every truth that it detects, and to one row of the confusion table."""
    detected = [index for index in covering if _detects(truths[index], alert)]
    for index in detected:
        detections.setdefault(index, alert)
    explaining = [index for index in covering if alert.sign in SIGNS[truths[index].kind].explains]
    causes = detected or explaining
    if causes:
        result.confusion[truths[causes[0]].kind][alert.sign] += 1
        return
    result.confusion[NOTHING][alert.sign] += 1
    result.classes[home_of(alert.sign)].false += 1
    result.false_alerts.append(alert)


def _detects(truth: Truth, alert: ScoredAlert) -> bool:
    same = (truth.level, truth.subject) == (alert.level, alert.subject)
    return same and alert.sign in SIGNS[truth.kind].detects


def _count(truth: Truth, alert: ScoredAlert | None, result: Score) -> None:
    figures = result.classes[truth.kind]
    if not truth.certain:
        figures.unasked += 1
        return
    figures.injected += 1
    if alert is None:
        result.missed.append(truth)
        return
    figures.detected += 1
    figures.delays_s.append((alert.raised_at - truth.onset) / SECOND_MS)


@dataclass(frozen=True, slots=True)
class QuietWeeks:
    """Unit-weeks without any truth, and those of them with an alert."""

    weeks: int
    alerted: int


def quiet_weeks(
    truths: Iterable[Truth],
    false_alerts: Iterable[ScoredAlert],
    topology: Topology,
    start: int,
    days: int,
) -> QuietWeeks:
    """The whole weeks of every device from `start` (UTC ms) without a truth."""
    weeks = days // 7
    parts = _devices_below(topology)
    troubled = {
        (device, week)
        for truth in truths
        for device in parts[truth.level, truth.subject]
        for week in _weeks(truth, start, weeks)
    }
    alerted = {
        (device, (alert.raised_at - start) // WEEK_MS)
        for alert in false_alerts
        for device in parts[alert.level, alert.subject]
    }
    return QuietWeeks(len(topology.gateway_of) * weeks - len(troubled), len(alerted - troubled))


def _weeks(truth: Truth, start: int, weeks: int) -> range:
    last = weeks - 1 if truth.end is None else min((truth.end - start) // WEEK_MS, weeks - 1)
    return range(max((truth.onset - start) // WEEK_MS, 0), last + 1)


def _devices_below(topology: Topology) -> Mapping[TruthSubject, list[str]]:
    below: dict[TruthSubject, list[str]] = defaultdict(list)
    for device in topology.gateway_of:
        for part in topology.above("device", device):
            below[part].append(device)
    return below
