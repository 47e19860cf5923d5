"""Rules that are judged once an hour again, written the plain way from their definitions: one
device, plain numbers."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np

from rules.kinds.hourly.baseline import BaselineRule, Sign
from rules.kinds.hourly.hourly_share import HourlyShareRule
from rules.kinds.hourly.stuck import StuckRule, StuckSensor
from rules.kinds.hourly.tariff_cap import TariffCapRule
from rules.kinds.hourly.unheated_nights import UnheatedNightsRule
from rules.readings.quantities import Quantities
from tests.rules.reference_kinds import applies, meets, state_of
from wire.messages import Reading
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

BEIJING: Final = timedelta(hours=8)
Said = tuple[int, str, str, int]
"""(at, edge, reason, onset)"""


def local(at: int) -> datetime:
    return datetime.fromtimestamp(at / SECOND_MS, UTC) + BEIJING


def season_began(day: date) -> date | None:
    """The first of November before a day that lies in the season."""
    if 4 <= day.month <= 10:
        return None
    return date(day.year if day.month >= 11 else day.year - 1, 11, 1)


def value_of(reading: Reading, name: str) -> float | None:
    columns = {
        point: np.array([value])
        for point, value in reading.values.items()
        if point not in reading.bad
    }
    value = float(Quantities(columns, 1)[name][0])
    return None if np.isnan(value) else value


def at_night(since: int, until: int) -> int:
    """Milliseconds between 20:00 and 08:00 in Beijing, which are 12:00 and 00:00 UTC."""
    days = range(since // DAY_MS, until // DAY_MS + 1)
    return sum(
        max(0, min(until, (day + 1) * DAY_MS) - max(since, day * DAY_MS + 12 * HOUR_MS))
        for day in days
    )


@dataclass
class BaselineReference:
    rule: BaselineRule
    day: date | None = None
    since: int | None = None
    counted: int | None = None
    values: dict[str, list[float]] = field(default_factory=dict)
    learnt: dict[str, list[float]] = field(default_factory=dict)
    change: dict[str, float] = field(default_factory=dict)
    showing: int = 0
    onset: int | None = None

    @property
    def signs(self) -> tuple[Sign, ...]:
        return (*self.rule.signs, *self.rule.unless)

    def look(self, reading: Reading, gap: int | None) -> list[Said]:
        """A reading to which the rule applies, `gap` after another such one (None: after none)."""
        self.since = (
            reading.at
            if self.since is None or gap is None or gap > self.rule.settled_ms
            else self.since
        )
        hour = reading.at // HOUR_MS
        if reading.at - self.since < self.rule.settled_ms or hour == self.counted:
            return []
        self.counted = hour
        return self.step(reading)

    def step(self, reading: Reading) -> list[Said]:
        today, reported = local(reading.at).date(), list[Said]()
        if self.day is not None and self.day != today:
            self.values = {} if today - self.day > timedelta(days=7) else self.values
            reported = self._end_day(reading.at)
        self.day = today
        for sign in self.signs:
            value = value_of(reading, sign.quantity)
            if value is not None:
                self.values.setdefault(sign.quantity, []).append(value)
        return reported

    def _end_day(self, at: int) -> list[Said]:
        figures = {
            n: sum(v) / len(v) for n, v in self.values.items() if len(v) >= self.rule.day_hours
        }
        self.values = {}
        drifted = False
        for sign in self.signs:
            if sign.quantity not in figures:
                continue
            days = self.learnt.setdefault(sign.quantity, [])
            if len(days) < self.rule.learn_days:
                days.append(figures[sign.quantity])
                continue
            drifted = True
            baseline = min(max(sum(days) / len(days), sign.healthy[0]), sign.healthy[1])
            moved = figures[sign.quantity] - baseline
            moved *= 100.0 / abs(baseline) if sign.relative else 1.0
            before = self.change.get(sign.quantity, 0.0)
            self.change[sign.quantity] = before + (moved - before) / self.rule.settle_days
        return self._judge(at) if drifted else []

    def _enough(self, share: float) -> bool:
        reported = [sign for sign in self.rule.signs if self._is_told(sign)]
        beyond = [sign for sign in reported if self._is_beyond(sign, share)]
        return (
            all(sign in beyond for sign in reported if sign.required)
            and len(beyond) >= self.rule.needs
        )

    def _is_beyond(self, sign: Sign, share: float) -> bool:
        change = self.change.get(sign.quantity, 0.0)
        return (sign.direction * change if sign.direction else abs(change)) >= share * sign.limit

    def _is_told(self, sign: Sign) -> bool:
        return len(self.learnt.get(sign.quantity, [])) >= self.rule.learn_days

    def _judge(self, at: int) -> list[Said]:
        barred = any(
            self._is_told(sign) and self._is_beyond(sign, 1.0) for sign in self.rule.unless
        )
        self.showing = self.showing + 1 if self._enough(1.0) and not barred else 0
        if self.onset is None and self.showing >= self.rule.on_days:
            self.onset = at
            return [(at, "raise", "away_from_baseline", at)]
        if self.onset is not None and not self._enough(1.0 - self.rule.deadband / 100.0):
            onset, self.onset = self.onset, None
            return [(at, "clear", "back_near_baseline", onset)]
        return []


@dataclass
class StuckReference:
    rule: StuckRule
    shown: dict[str, list[tuple[float, float | None]]] = field(default_factory=dict)
    reported: set[str] = field(default_factory=set)
    onset: int | None = None

    def step(self, reading: Reading) -> list[Said]:
        for sensor in self.rule.sensors:
            value, other = (value_of(reading, name) for name in (sensor.point, sensor.against))
            if value is None:
                continue
            before = self.shown.get(sensor.point, [])
            if before and before[0][0] != value:
                self.reported.discard(sensor.point)
                before = []
            self.shown[sensor.point] = [*before, (value, other)]
        stuck = {sensor.point for sensor in self.rule.sensors if self._is_stuck(sensor)}
        self.reported |= stuck
        if self.onset is None and stuck:
            self.onset = reading.at
            return [(reading.at, "raise", "stuck_while_others_move", reading.at)]
        if self.onset is not None and not self.reported:
            onset, self.onset = self.onset, None
            return [(reading.at, "clear", "moves_again", onset)]
        return []

    def _is_stuck(self, sensor: StuckSensor) -> bool:
        hours = self.shown.get(sensor.point, [])
        others = [other for _, other in hours if other is not None]
        return (
            len(hours) > self.rule.for_hours
            and bool(others)
            and max(others) - min(others) >= sensor.moves
        )


@dataclass
class HourlyShareReference:
    rule: HourlyShareRule
    hours: list[bool] = field(default_factory=list)
    hour: int | None = None
    onset: int | None = None

    def step(self, reading: Reading) -> list[Said]:
        values = [(bound, value_of(reading, bound.quantity)) for bound in self.rule.met]
        if any(value is None for _, value in values):
            return []
        hour = reading.at // HOUR_MS
        if self.hour is not None and hour - self.hour > self.rule.max_gap_ms // HOUR_MS:
            self.hours = []
        self.hour = hour
        self.hours = [*self.hours, all(meets(bound, value) for bound, value in values)][
            -self.rule.window :
        ]
        met = sum(self.hours)
        if self.onset is None and met >= self.rule.needs:
            self.onset = reading.at
            return [(reading.at, "raise", "many_hours_met", reading.at)]
        if (
            self.onset is not None
            and met <= self.rule.clears
            and len(self.hours) >= self.rule.needs
        ):
            onset, self.onset = self.onset, None
            return [(reading.at, "clear", "few_hours_met", onset)]
        return []


@dataclass
class UnheatedNightsReference:
    rule: UnheatedNightsRule
    season: date | None = None
    begun: bool = False
    heard: int = 0
    ran: bool = False
    nights: set[date] = field(default_factory=set)
    tonight: tuple[date, list[Reading]] | None = None
    onset: int | None = None

    def step(self, reading: Reading) -> list[Said]:
        season, reported = season_began(local(reading.at).date()), list[Said]()
        running = state_of(reading) in ("heating", "defrost", "hot_water")
        if not self.begun or season != self.season:
            reported += self._turn(reading.at)
            self.begun, self.season = True, season
        if running and (season is None or not self.ran) and len(self.nights) < self.rule.nights:
            reported += self._clear(reading.at, "in_use_again")
        self.heard += season is not None
        self.ran |= running
        return reported + self._night(reading, season)

    def _turn(self, at: int) -> list[Said]:
        reported = self._clear(at, "season_over") if self.season else []
        days = (date(self.season.year + 1, 3, 31) - self.season).days + 1 if self.season else 0
        unused = (
            self.season is not None
            and not self.ran
            and self.heard >= days * 24 * self.rule.heard_share
        )
        self.nights, self.heard, self.ran = set(), 0, False
        if unused:
            self.onset = at
            reported.append((at, "raise", "not_used_all_season", at))
        return reported

    def _clear(self, at: int, reason: str) -> list[Said]:
        if self.onset is None:
            return []
        onset, self.onset = self.onset, None
        return [(at, "clear", reason, onset)]

    def _night(self, reading: Reading, season: date | None) -> list[Said]:
        opens, closes = self.rule.hours
        since = local(reading.at) - timedelta(milliseconds=opens)
        inside = (
            season is not None
            and (since.hour * HOUR_MS + since.minute * MINUTE_MS) < (closes - opens) % DAY_MS
        )
        if not inside or state_of(reading) != "off":
            self.tonight = None
            return []
        night = since.date()
        if self.tonight is None or self.tonight[0] != night:
            self.tonight = (night, [])
        hours = self.tonight[1]
        hours.append(reading)
        rooms = [value_of(one, "room_c") for one in hours]
        outdoors = [value_of(one, "outdoor_c") for one in hours]
        first, last = rooms[0], rooms[-1]
        excess = [
            room - outdoor
            for room, outdoor in zip(rooms[1:], outdoors[1:], strict=True)
            if room is not None and outdoor is not None
        ]
        if len(excess) + 1 < max(len(hours), self.rule.off_hours) or first is None or last is None:
            return []
        total = sum(excess)
        warm = last >= self.rule.room_above and total >= self.rule.over_outdoor * len(excess)
        if not warm or first - last > total / self.rule.time_constant:
            return []
        if night in self.nights:
            return []
        self.nights.add(night)
        if len(self.nights) < self.rule.nights or self.onset is not None:
            return []
        self.onset = reading.at
        return [(reading.at, "raise", "warm_though_off", reading.at)]


@dataclass
class TariffCapReference:
    rule: TariffCapRule
    season: date | None = None
    before: Reading | None = None
    used: float = 0.0
    degree_days: float = 0.0
    depth: int = 0
    onset: int | None = None

    def step(self, reading: Reading) -> list[Said]:
        counter = value_of(reading, "energy_kwh")
        if counter is None:
            return []
        season, reported = season_began(local(reading.at).date()), list[Said]()
        if season is None or (self.season is not None and season != self.season):
            if self.onset is not None:
                reported.append((reading.at, "clear", "season_over", self.onset))
            self.used, self.degree_days, self.depth, self.onset = 0.0, 0.0, 0, None
        self.season = season
        if season is not None and self.before is not None:
            self._add(reading, self.before, counter)
        self.before = reading
        return reported + (
            self._judge(reading.at, season) if season and self.used >= 0.5 * self.rule.cap else []
        )

    def _add(self, reading: Reading, before: Reading, counter: float) -> None:
        passed = (reading.at - before.at) / HOUR_MS
        last = value_of(before, "energy_kwh")
        assert last is not None
        gone = counter - last if counter >= last else counter
        if gone <= self.rule.most_kw * passed + 1.0:
            self.used += gone * at_night(before.at, reading.at) / (reading.at - before.at)
        outdoor = value_of(reading, "outdoor_c")
        if outdoor is not None:
            self.degree_days += max(0.0, self.rule.base_c - outdoor) * passed / 24

    def _judge(self, at: int, season: date) -> list[Said]:
        today, end = local(at).date(), date(season.year + 1, 3, 31)
        days = [today + timedelta(days=number) for number in range((end - today).days + 1)]
        rest = sum(
            max(0.0, self.rule.base_c - self.rule.normal_c.get(day.month, self.rule.base_c))
            for day in days
        )
        projected = self.used
        if (today - season).days >= self.rule.project_after_days and self.degree_days > 0:
            projected += rest * self.used / self.degree_days
        depth = int(projected > self.rule.cap)
        for number, step in enumerate(self.rule.steps, 2):
            depth = number if self.used >= step.limit / 100 * self.rule.cap else depth
        if self.depth == 1 and depth == 0 and projected <= 0.95 * self.rule.cap:
            onset, self.depth, self.onset = self.onset or 0, 0, None
            return [(at, "clear", "projected_below_cap", onset)]
        if depth <= self.depth:
            return []
        edge, self.depth = "update" if self.depth else "raise", depth
        self.onset = at if edge == "raise" else self.onset
        return [
            (
                at,
                edge,
                "projected_above_cap" if depth == 1 else "share_of_cap_used",
                self.onset or 0,
            )
        ]


REFERENCES: Final[dict[Any, Any]] = {
    BaselineRule: BaselineReference,
    HourlyShareRule: HourlyShareReference,
    StuckRule: StuckReference,
    TariffCapRule: TariffCapReference,
    UnheatedNightsRule: UnheatedNightsReference,
}


def said_plainly(rule: Any, readings: list[Reading], in_season: bool) -> list[Said]:
    """What `rule` says to the readings of one device; `in_season`: whether it applies in the season
    alone."""
    state, before, reported = REFERENCES[type(rule)](rule), None, list[Said]()
    if isinstance(state, BaselineReference) and rule.settled_ms:
        return _settled_plainly(rule, state, readings)
    for reading in readings:
        turned = before is None or before // HOUR_MS != reading.at // HOUR_MS
        before = reading.at
        outside = in_season and season_began(local(reading.at).date()) is None
        if turned and applies(rule.applies, reading) and not outside:
            reported += state.step(reading)
    return reported


def _settled_plainly(
    rule: BaselineRule, state: BaselineReference, readings: list[Reading]
) -> list[Said]:
    reported, before = list[Said](), None
    for reading in readings:
        if applies(rule.applies, reading):
            reported += state.look(reading, None if before is None else reading.at - before.at)
            before = reading
        else:
            before = None
    return reported
