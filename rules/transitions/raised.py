"""Alerts as the rules alone see them: transitions gathered into episodes, and those of two sets of
rules compared."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from rules.transitions.transition import SubjectKind, Transition
from wire.messages import Priority

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Raised:
    """One alert: when its condition began (`onset`), when it was raised and cleared (None: it never
    was); UTC ms.

    `value`, `limit` and `priority` are those at the raise, in `unit`. `realm` is as in Transition.
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
        """The alarm that this is an episode of: its episodes do not overlap."""
        return self.rule, self.realm, self.subject, self.code or ""


class Gatherer:
    """Gathers transitions, those of an alarm in order, into the alerts they make up."""

    def __init__(self) -> None:
        self._open: dict[Key, Raised] = {}
        self._closed: list[Raised] = []

    def add(self, transitions: Iterable[Transition]) -> None:
        """Take in what the rules said."""
        for one in transitions:
            key = (one.rule, one.realm, one.subject, one.code or "")
            if one.edge == "raise":
                self._open[key] = _raised(one)
            elif one.edge == "clear" and key in self._open:
                self._closed.append(replace(self._open.pop(key), cleared_at=one.at))

    def alerts(self) -> list[Raised]:
        """Every alert so far in order of time, those still open included."""
        return sorted([*self._closed, *self._open.values()], key=lambda one: (one.at, one.key))


def _raised(one: Transition) -> Raised:
    return Raised(
        one.rule,
        one.subject,
        one.subject_kind,
        one.code,
        one.realm,
        one.onset,
        one.at,
        None,
        one.value,
        one.limit,
        one.unit,
        one.priority,
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """The same alert by two sets of rules: of one alarm, and overlapping in time."""

    first: Raised
    second: Raised

    @property
    def later_ms(self) -> int:
        """How much later the second set raised it; below 0, how much earlier."""
        return self.second.at - self.first.at


@dataclass(frozen=True, slots=True)
class Comparison:
    """What only the first or only the second set of rules raised, and what both did."""

    first_only: list[Raised] = field(default_factory=list)
    second_only: list[Raised] = field(default_factory=list)
    both: list[Pair] = field(default_factory=list)


def compare(first: Iterable[Raised], second: Iterable[Raised]) -> Comparison:
    """Each alert of both stands in exactly one list: with the earliest of the other set that it
    overlaps, or alone."""
    found = Comparison()
    sides = [(0, one) for one in first] + [(1, one) for one in second]
    for _, group in groupby(
        sorted(sides, key=lambda side: side[1].key), key=lambda side: side[1].key
    ):
        alarm = list(group)
        ones, others = (
            sorted((one for of, one in alarm if of == side), key=_begin) for side in (0, 1)
        )
        _walk(iter(ones), iter(others), found)
    return found


def _walk(ones: Iterator[Raised], others: Iterator[Raised], found: Comparison) -> None:
    """Go through the episodes of one alarm side by side."""
    one, other = next(ones, None), next(others, None)
    while one is not None and other is not None:
        if _overlap(one, other):
            found.both.append(Pair(one, other))
            one, other = next(ones, None), next(others, None)
        elif _begin(one) < _begin(other):
            found.first_only.append(one)
            one = next(ones, None)
        else:
            found.second_only.append(other)
            other = next(others, None)
    found.first_only.extend(_rest(one, ones))
    found.second_only.extend(_rest(other, others))


def _rest(one: Raised | None, following: Iterator[Raised]) -> Sequence[Raised]:
    return [] if one is None else [one, *following]


def _begin(one: Raised) -> tuple[int, int]:
    return one.onset, one.at


def _overlap(one: Raised, other: Raised) -> bool:
    return (one.cleared_at is None or other.onset <= one.cleared_at) and (
        other.cleared_at is None or one.onset <= other.cleared_at
    )
