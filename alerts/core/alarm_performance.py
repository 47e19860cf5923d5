"""How well the alarm system serves its operators: the figures of ISA-18.2 and IEC 62682, clause 16.

Pure: announced alerts in, figures out. The standards count alarms per operating position, so every
rate here is divided by the number of operators on duty, and every limit on a rate is multiplied by
it. Times are UTC ms, ranges are `since <= at < until`. Limits are those of the standards' table of
recommended metrics unless said otherwise.
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
"""One alarm announced so often within a minute chatters."""

FLEETING_MS: Final = MINUTE_MS
"""An alarm that ends sooner is fleeting: nobody could have acted. The standards give no number; a
minute is chosen."""

STALE_MS: Final = DAY_MS
"""An alarm that stands for longer is stale; fewer than five on a day are tolerated."""

SHOWN: Final = 10
"""Lists of alarms hold this many: the standards ask for the ten most frequent (bad actors)."""

RECOMMENDED: Final[dict[Priority, float]] = {
    "urgent": 0.01,
    "high": 0.05,
    "medium": 0.15,
    "low": 0.80,
}
"""Share of each of four priorities among the announced alerts; of the highest, the most."""

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
    """One rule (and code, '' for none) of one subject at one place; it may be raised many times."""

    rule: str
    subject: str
    code: str
    town: str
    village: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """One alert announced to operators, from `at` until `ended` (None while it is active)."""

    alarm: Alarm
    priority: Priority
    at: int
    ended: int | None = None


@dataclass(frozen=True, slots=True)
class Flood:
    """A time of too many alerts: from the alert that made the rate too high until it was low again.

    `end` is None if it went on to the end. `alerts` also counts those of the ten minutes before it
    began; `most` is the most within ten minutes.
    """

    begin: int
    end: int | None
    alerts: int
    most: int


@dataclass(frozen=True, slots=True)
class AlarmPerformance:
    """The figures of one period.

    `announced` are the alerts announced in it, in order, `standing` all that were active in it.
    """

    since: int
    until: int
    operators: int
    announced: Sequence[Announcement]
    standing: Sequence[Announcement]
    floods: Sequence[Flood]

    @property
    def per_operator_hour(self) -> float:
        """The average rate of alerts."""
        return len(self.announced) / self.operators / ((self.until - self.since) / HOUR_MS)

    def share_above(self, per_operator: int, length_ms: int) -> float:
        """The share of stretches of `length_ms` with more alerts than `per_operator` each.

        The period is cut into stretches; the last one may be shorter.
        """
        counts = self._counts(length_ms)
        above = sum(1 for count in counts.values() if count > per_operator * self.operators)
        return above / -((self.since - self.until) // length_ms)

    def most_within(self, length_ms: int) -> int:
        """The most alerts in one of these stretches."""
        return max(self._counts(length_ms).values(), default=0)

    def _counts(self, length_ms: int) -> Counter[int]:
        return Counter(
            (announcement.at - self.since) // length_ms for announcement in self.announced
        )

    @property
    def flood_share(self) -> float:
        """The share of the time that was a flood."""
        lasted = sum(
            (self.until if flood.end is None else flood.end) - flood.begin for flood in self.floods
        )
        return lasted / (self.until - self.since)

    @property
    def alarms(self) -> Counter[Alarm]:
        """How often each alarm was announced."""
        return Counter(announcement.alarm for announcement in self.announced)

    @property
    def chattering(self) -> Counter[Alarm]:
        """How often each alarm was announced that chattered."""
        often = _chattering(self.announced)
        return Counter({alarm: count for alarm, count in self.alarms.items() if alarm in often})

    @property
    def fleeting(self) -> Counter[Alarm]:
        """How often each alarm ended too soon for anybody to act."""
        return Counter(
            announcement.alarm
            for announcement in self.announced
            if announcement.ended is not None and announcement.ended - announcement.at < FLEETING_MS
        )

    @property
    def stale(self) -> list[Announcement]:
        """Alerts that stood for more than a day, in part within the period; the oldest first."""
        return [
            announcement
            for announcement in self.standing
            if _end(announcement, self.until) - announcement.at > STALE_MS
        ]

    @property
    def priorities(self) -> Counter[Priority]:
        """How many alerts of each priority were announced."""
        return Counter(announcement.priority for announcement in self.announced)

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
            "alerts": len(self.announced),
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
            "bad_actors": [
                {**item, "share": item["alerts"] / len(self.announced)} for item in worst
            ],
            "bad_actors_share": self._share(sum(item["alerts"] for item in worst)),
            "priorities": {
                name: {
                    "alerts": count,
                    "share": self._share(count),
                    "recommended": RECOMMENDED[name],
                }
                for name, count in ((name, self.priorities[name]) for name in RECOMMENDED)
            },
            "rules": dict(
                Counter(announcement.alarm.rule for announcement in self.announced).most_common()
            ),
            "aims": AIMS,
        }

    def _share(self, count: int) -> float | None:
        return count / len(self.announced) if self.announced else None


def measure(
    announcements: Iterable[Announcement], since: int, until: int, operators: int
) -> AlarmPerformance:
    """The figures of `since <= at < until` with `operators` on duty.

    `announcements`, in any order, are those of the period and those of before that are active in
    it. Raises ValueError for a period that is empty, or nobody on duty.
    """
    if since >= until or operators < 1:
        raise ValueError("a period that ends after it begins, and at least one operator")
    standing = sorted(
        (announcement for announcement in announcements if announcement.at < until),
        key=lambda announcement: (announcement.at, announcement.alarm),
    )
    announced = [announcement for announcement in standing if announcement.at >= since]
    flooded = floods([announcement.at for announcement in announced], operators, until)
    return AlarmPerformance(since, until, operators, announced, standing, flooded)


def floods(times: Sequence[int], operators: int, until: int) -> list[Flood]:
    """The floods among alerts announced at the rising `times` (UTC ms).

    The rate is checked at every alert and at the moment every alert becomes ten minutes old, once
    all alerts of that moment are counted.
    """
    ended: list[Flood] = []
    window: deque[int] = deque()
    current: Flood | None = None
    arriving = Counter(times)
    for moment in sorted({*times, *(at + TEN_MINUTES_MS for at in times)}):
        if moment >= until:
            break
        while window and window[0] + TEN_MINUTES_MS <= moment:
            window.popleft()
        for _ in range(arriving[moment]):
            window.append(moment)
            current = _grown(current, moment, len(window), operators)
        if current is not None and len(window) < FLOOD_ENDS * operators:
            ended.append(_ended(current, moment))
            current = None
    return ended if current is None else [*ended, current]


def _ended(flood: Flood, at: int) -> Flood:
    return Flood(flood.begin, at, flood.alerts, flood.most)


def _grown(flood: Flood | None, at: int, within: int, operators: int) -> Flood | None:
    """The flood after an alert at `at`, the `within`th in ten minutes; None while there is none."""
    if flood is not None:
        return Flood(flood.begin, None, flood.alerts + 1, max(flood.most, within))
    return Flood(at, None, within, within) if within >= FLOOD_BEGINS * operators else None


def _chattering(announced: Sequence[Announcement]) -> set[Alarm]:
    """The alarms announced CHATTERING times within a minute."""
    often: set[Alarm] = set()
    recent: dict[Alarm, deque[int]] = {}
    for announcement in announced:
        times = recent.setdefault(announcement.alarm, deque(maxlen=CHATTERING))
        times.append(announcement.at)
        if len(times) == CHATTERING and announcement.at - times[0] <= MINUTE_MS:
            often.add(announcement.alarm)
    return often


def _end(announcement: Announcement, until: int) -> int:
    return until if announcement.ended is None else min(announcement.ended, until)


def _most(counts: Counter[Alarm]) -> list[dict[str, Any]]:
    """The alarms announced most often; those of one count in alphabetical order."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{**_alarm_document(alarm), "alerts": count} for alarm, count in ranked[:SHOWN]]


def _list_document(counts: Counter[Alarm]) -> dict[str, Any]:
    return {"alarms": len(counts), "alerts": counts.total(), "items": _most(counts)}


def _stale_document(stale: Sequence[Announcement]) -> dict[str, Any]:
    shown = [
        {**_alarm_document(announcement.alarm), "since": announcement.at}
        for announcement in stale[:SHOWN]
    ]
    return {
        "alarms": len({announcement.alarm for announcement in stale}),
        "alerts": len(stale),
        "items": shown,
    }


def _alarm_document(alarm: Alarm) -> dict[str, Any]:
    return {**alarm._asdict(), "code": alarm.code or None}


def _flood_document(flood: Flood) -> dict[str, Any]:
    return {"begin": flood.begin, "end": flood.end, "alerts": flood.alerts, "most": flood.most}
