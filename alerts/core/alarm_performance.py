"""How well the alarm system serves its operators: the figures of ISA-18.2 and IEC 62682, clause 16
(monitoring).

Pure: what was told to operators in, figures out. The standards count annunciations per operating
position, so every rate here is divided by the number of operators on duty, and every limit on a
rate is multiplied by it. Times are UTC ms, ranges are `since <= at < until`. Limits are those of
the standards' table of recommended metrics unless said otherwise.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from wire.messages import Priority
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS

TEN_MINUTES_MS: Final = 10 * MINUTE_MS

HOURLY_LIMITS: Final = (6, 12, 30)
"""Alerts per operator and hour: very likely acceptable, the most that can be managed, and what at
most one hour in a hundred may exceed."""

FLOOD_BEGINS: Final = 10
FLOOD_ENDS: Final = 5
"""Alerts per operator within ten minutes: at ten a flood begins, it is over when they are fewer
than five."""

CHATTERING: Final = 3
"""One alarm told so often within a minute chatters."""

FLEETING_MS: Final = MINUTE_MS
"""An alarm that ends sooner is fleeting: nobody could have acted. The standards give no number; a
minute is chosen."""

STALE_MS: Final = DAY_MS
"""An alarm that stands for longer is stale; fewer than five on a day are tolerated."""

SHOWN: Final = 10
"""Bad actors, and other lists of alarms, are shown so far: the standards ask for the ten most
frequent."""

RECOMMENDED: Final[dict[Priority, float]] = {
    "urgent": 0.01,
    "high": 0.05,
    "medium": 0.15,
    "low": 0.80,
}
"""Share of each of four priorities among the alerts told; of the highest it is the most there
should be."""

AIMS: Final[dict[str, float]] = {
    "per_operator_hour": 6,
    "hours_above_30_share": 0.01,
    "ten_minutes_above_10_share": 0.01,
    "ten_minutes_most_per_operator": 10,
    "flood_share": 0.01,
    "bad_actors_share": 0.05,
    "chattering": 0,
    "fleeting": 0,
    "stale": 5,
}
"""The most of each figure that the standards recommend."""


class Alarm(NamedTuple):
    """What can be told again and again: one rule (and code, '' for none) of one subject, and where
    that is."""

    rule: str
    subject: str
    code: str
    town: str
    village: str


@dataclass(frozen=True, slots=True)
class Annunciation:
    """One alert that was told to operators, from `at` until `ended` (None while it is active)."""

    alarm: Alarm
    priority: Priority
    at: int
    ended: int | None = None


@dataclass(frozen=True, slots=True)
class Flood:
    """From the alert that made the rate too high until the rate was low again, or None if it went
    on to the end.

    `alerts` counts those of the ten minutes before it began too; `most` is the most within ten
    minutes.
    """

    begin: int
    end: int | None
    alerts: int
    most: int


@dataclass(frozen=True, slots=True)
class Performance:
    """The figures of one period; `told` are the alerts that came in it, in order, `standing` all
    active in it."""

    since: int
    until: int
    operators: int
    told: Sequence[Annunciation]
    standing: Sequence[Annunciation]
    floods: Sequence[Flood]

    @property
    def per_operator_hour(self) -> float:
        """The average rate of alerts."""
        return len(self.told) / self.operators / ((self.until - self.since) / HOUR_MS)

    def share_above(self, per_operator: int, length_ms: int) -> float:
        """The share of the period's stretches of `length_ms` (the last one cut off) with more
        alerts than that."""
        counts = self._counts(length_ms)
        above = sum(1 for count in counts.values() if count > per_operator * self.operators)
        return above / -((self.since - self.until) // length_ms)

    def most_within(self, length_ms: int) -> int:
        """The most alerts in one of these stretches."""
        return max(self._counts(length_ms).values(), default=0)

    def _counts(self, length_ms: int) -> Counter[int]:
        return Counter((one.at - self.since) // length_ms for one in self.told)

    @property
    def flood_share(self) -> float:
        """The share of the time that was a flood."""
        lasted = sum(
            (self.until if flood.end is None else flood.end) - flood.begin for flood in self.floods
        )
        return lasted / (self.until - self.since)

    @property
    def alarms(self) -> Counter[Alarm]:
        """How often each alarm was told."""
        return Counter(one.alarm for one in self.told)

    @property
    def chattering(self) -> Counter[Alarm]:
        """How often each alarm was told that chattered."""
        often = _chattering(self.told)
        return Counter({alarm: count for alarm, count in self.alarms.items() if alarm in often})

    @property
    def fleeting(self) -> Counter[Alarm]:
        """How often each alarm ended too soon for anybody to act."""
        return Counter(
            one.alarm
            for one in self.told
            if one.ended is not None and one.ended - one.at < FLEETING_MS
        )

    @property
    def stale(self) -> list[Annunciation]:
        """What stood for more than a day, at least in part within the period; the oldest first."""
        return [one for one in self.standing if _end(one, self.until) - one.at > STALE_MS]

    @property
    def priorities(self) -> Counter[Priority]:
        """How many alerts of each priority were told."""
        return Counter(one.priority for one in self.told)

    def to_document(self) -> dict[str, Any]:
        """The figures as JSON; shares are 0 to 1, None where there was no alert to divide by."""
        worst = _most(self.alarms)
        hours = {
            f"above_{limit}_share": self.share_above(limit, HOUR_MS) for limit in HOURLY_LIMITS
        }
        return {
            "from": self.since,
            "to": self.until,
            "operators": self.operators,
            "alerts": len(self.told),
            "per_operator_hour": round(self.per_operator_hour, 3),
            "hours": {"most": self.most_within(HOUR_MS), **hours},
            "ten_minutes": {
                "most": self.most_within(TEN_MINUTES_MS),
                "above_10_share": self.share_above(FLOOD_BEGINS, TEN_MINUTES_MS),
            },
            "flood_share": self.flood_share,
            "floods": [_flood_document(flood) for flood in self.floods],
            "chattering": _list_document(self.chattering),
            "fleeting": _list_document(self.fleeting),
            "stale": _stale_document(self.stale),
            "bad_actors": [{**item, "share": item["alerts"] / len(self.told)} for item in worst],
            "bad_actors_share": self._share(sum(item["alerts"] for item in worst)),
            "priorities": {
                name: {
                    "alerts": count,
                    "share": self._share(count),
                    "recommended": RECOMMENDED[name],
                }
                for name, count in ((name, self.priorities[name]) for name in RECOMMENDED)
            },
            "rules": dict(Counter(one.alarm.rule for one in self.told).most_common()),
            "aims": AIMS,
        }

    def _share(self, count: int) -> float | None:
        return count / len(self.told) if self.told else None


def measure(
    annunciations: Iterable[Annunciation], since: int, until: int, operators: int
) -> Performance:
    """The figures of `since <= at < until` with `operators` on duty.

    `annunciations`, in any order, are those told in the period and those told before and still
    active in it. Raises ValueError for a period that is empty, or nobody on duty.
    """
    if since >= until or operators < 1:
        raise ValueError("a period that ends after it begins, and at least one operator")
    standing = sorted(
        (one for one in annunciations if one.at < until), key=lambda one: (one.at, one.alarm)
    )
    told = [one for one in standing if one.at >= since]
    found = floods([one.at for one in told], operators, until)
    return Performance(since, until, operators, told, standing, found)


def floods(times: Sequence[int], operators: int, until: int) -> list[Flood]:
    """The floods among alerts told at `times`, which rise; a look at every alert and at every one
    ten minutes old."""
    found: list[Flood] = []
    window: deque[int] = deque()
    current: Flood | None = None
    for at in [*times, until]:
        while window and window[0] + TEN_MINUTES_MS <= at:
            left = window.popleft() + TEN_MINUTES_MS
            if current is not None and len(window) < FLOOD_ENDS * operators and left < until:
                found.append(_ended(current, left))
                current = None
        if at < until:
            window.append(at)
            current = _grown(current, at, len(window), operators)
    return found if current is None else [*found, current]


def _ended(flood: Flood, at: int) -> Flood:
    return Flood(flood.begin, at, flood.alerts, flood.most)


def _grown(flood: Flood | None, at: int, within: int, operators: int) -> Flood | None:
    """The flood, or the beginning of one, after an alert at `at` that makes it `within` in ten
    minutes."""
    if flood is not None:
        return Flood(flood.begin, None, flood.alerts + 1, max(flood.most, within))
    return Flood(at, None, within, within) if within >= FLOOD_BEGINS * operators else None


def _chattering(told: Sequence[Annunciation]) -> set[Alarm]:
    """The alarms told CHATTERING times within a minute."""
    found: set[Alarm] = set()
    recent: dict[Alarm, deque[int]] = {}
    for one in told:
        times = recent.setdefault(one.alarm, deque(maxlen=CHATTERING))
        times.append(one.at)
        if len(times) == CHATTERING and one.at - times[0] <= MINUTE_MS:
            found.add(one.alarm)
    return found


def _end(one: Annunciation, until: int) -> int:
    return until if one.ended is None else min(one.ended, until)


def _most(counts: Counter[Alarm]) -> list[dict[str, Any]]:
    """The alarms told most often; those of one count in alphabetical order."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{**_alarm_document(alarm), "alerts": count} for alarm, count in ranked[:SHOWN]]


def _list_document(counts: Counter[Alarm]) -> dict[str, Any]:
    return {"alarms": len(counts), "alerts": counts.total(), "items": _most(counts)}


def _stale_document(stale: Sequence[Annunciation]) -> dict[str, Any]:
    shown = [{**_alarm_document(one.alarm), "since": one.at} for one in stale[:SHOWN]]
    return {"alarms": len({one.alarm for one in stale}), "alerts": len(stale), "items": shown}


def _alarm_document(alarm: Alarm) -> dict[str, Any]:
    return {**alarm._asdict(), "code": alarm.code or None}


def _flood_document(flood: Flood) -> dict[str, Any]:
    return {"begin": flood.begin, "end": flood.end, "alerts": flood.alerts, "most": flood.most}
