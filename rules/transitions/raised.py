"""Alerts as the rules alone see them: from transitions, and compared between two sets of rules."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from rules.transitions.transition import SubjectKind, Transition
from wire.messages import Priority

Key = tuple[str, str, str, str]
"""Rule, realm, subject and code."""


@dataclass(frozen=True, slots=True)
class Raised:
    """One alert: its condition began at `onset`; it was raised `at` and cleared at `cleared_at`.

    Times are UTC ms; `cleared_at` is None while the alert is open. `value`, `limit` and `priority`
    are those at the raise, in `unit`. `realm` is as in Transition.
    """

    rule: str
    subject: str
    subject_kind: SubjectKind
    code: str | None
    realm: str
    onset: int
    at: int
    cleared_at: int | None
    value: float | None
    limit: float | None
    unit: str | None
    priority: Priority

    @property
    def key(self) -> Key:
        """The alarm of this alert: the alerts of one alarm do not overlap."""
        return self.rule, self.realm, self.subject, self.code or ""


class Gatherer:
    """Gathers transitions, in order of time, into alerts."""

    def __init__(self) -> None:
        self._open: dict[Key, Raised] = {}
        self._closed: list[Raised] = []

    def add(self, transitions: Iterable[Transition]) -> None:
        """Take in transitions; a clear without its raise is ignored."""
        for change in transitions:
            key = (change.rule, change.realm, change.subject, change.code or "")
            if change.edge == "raise":
                self._open[key] = _raised(change)
            elif change.edge == "clear" and key in self._open:
                self._closed.append(replace(self._open.pop(key), cleared_at=change.at))

    def alerts(self) -> list[Raised]:
        """Every alert so far in order of time, open ones included."""
        return sorted(
            [*self._closed, *self._open.values()], key=lambda alert: (alert.at, alert.key)
        )


def _raised(change: Transition) -> Raised:
    return Raised(
        rule=change.rule,
        subject=change.subject,
        subject_kind=change.subject_kind,
        code=change.code,
        realm=change.realm,
        onset=change.onset,
        at=change.at,
        cleared_at=None,
        value=change.value,
        limit=change.limit,
        unit=change.unit,
        priority=change.priority,
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """Overlapping alerts of one alarm by the first and by the second set of rules."""

    first: Raised
    second: Raised

    @property
    def later_ms(self) -> int:
        """How much later the second set raised it; negative if earlier."""
        return self.second.at - self.first.at


@dataclass(frozen=True, slots=True)
class Comparison:
    """The alerts that only the first or only the second set of rules raised, and those of both."""

    first_only: list[Raised] = field(default_factory=list)
    second_only: list[Raised] = field(default_factory=list)
    both: list[Pair] = field(default_factory=list)


def compare(first: Iterable[Raised], second: Iterable[Raised]) -> Comparison:
    """Each alert stands in one list: with the earliest of the other set it overlaps, or alone."""
    comparison = Comparison()
    sides = [(0, alert) for alert in first] + [(1, alert) for alert in second]
    sides.sort(key=lambda side: side[1].key)
    for _, group in groupby(sides, key=lambda side: side[1].key):
        of_alarm = list(group)
        firsts, seconds = (
            sorted((alert for side, alert in of_alarm if side == wanted), key=_begin)
            for wanted in (0, 1)
        )
        _walk(iter(firsts), iter(seconds), comparison)
    return comparison


def _walk(firsts: Iterator[Raised], seconds: Iterator[Raised], comparison: Comparison) -> None:
    """Go through the alerts of one alarm side by side."""
    first, second = next(firsts, None), next(seconds, None)
    while first is not None and second is not None:
        if _overlap(first, second):
            comparison.both.append(Pair(first, second))
            first, second = next(firsts, None), next(seconds, None)
        elif _begin(first) < _begin(second):
            comparison.first_only.append(first)
            first = next(firsts, None)
        else:
            comparison.second_only.append(second)
            second = next(seconds, None)
    comparison.first_only.extend(_rest(first, firsts))
    comparison.second_only.extend(_rest(second, seconds))


def _rest(alert: Raised | None, following: Iterator[Raised]) -> Sequence[Raised]:
    return [] if alert is None else [alert, *following]


def _begin(alert: Raised) -> tuple[int, int]:
    return alert.onset, alert.at


def _overlap(alert: Raised, other: Raised) -> bool:
    return (alert.cleared_at is None or other.onset <= alert.cleared_at) and (
        other.cleared_at is None or alert.onset <= other.cleared_at
    )
