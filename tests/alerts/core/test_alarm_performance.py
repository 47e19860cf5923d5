"""Figures of alarm performance, each against a case that a person can count."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.core.alarm_performance import (
    FLOOD_BEGINS,
    FLOOD_ENDS,
    RECOMMENDED,
    TEN_MINUTES_MS,
    Alarm,
    Announcement,
    floods,
    measure,
)
from wire.messages import Priority
from wire.units import HOUR_MS, MINUTE_MS

T0 = 1_763_740_000_000
DAY = 24 * HOUR_MS


def told(
    at: int, subject: str = "u-1", ended: int | None = None, priority: Priority = "low"
) -> Announcement:
    """An alert told `at` ms after T0."""
    return Announcement(
        Alarm("fault", subject, "fan:E1", "zhaitang", "matao"),
        priority,
        T0 + at,
        None if ended is None else T0 + ended,
    )


def test_an_hour_of_thirteen_alerts_in_a_day() -> None:
    alerts = [told(HOUR_MS + number * 4 * MINUTE_MS, f"u-{number}") for number in range(13)]
    found = measure(alerts, T0, T0 + DAY, operators=1)
    assert found.per_operator_hour == pytest.approx(13 / 24)
    assert [found.share_above(limit, HOUR_MS) for limit in (6, 12, 30)] == pytest.approx(
        [1 / 24, 1 / 24, 0]
    )
    assert (found.most_within(HOUR_MS), found.most_within(TEN_MINUTES_MS), found.floods) == (
        13,
        3,
        [],
    )


def test_two_operators_share_the_load() -> None:
    found = measure([told(number * MINUTE_MS) for number in range(13)], T0, T0 + DAY, operators=2)
    assert found.per_operator_hour == pytest.approx(13 / 48)
    assert found.share_above(6, HOUR_MS) == pytest.approx(1 / 24)
    assert found.share_above(12, HOUR_MS) == 0
    assert found.floods == []


def test_the_last_hour_may_be_cut_off() -> None:
    found = measure(
        [told(100 * MINUTE_MS, f"u-{number}") for number in range(7)], T0, T0 + 110 * MINUTE_MS, 1
    )
    assert found.share_above(6, HOUR_MS) == pytest.approx(1 / 2)


def test_a_flood_begins_with_the_tenth_and_ends_below_five() -> None:
    times = [
        T0 + number * 30_000 for number in range(12)
    ]  # the last at 5.5 min; 12 − 8 are left after 13.5 min
    [flood] = floods(times, 1, T0 + DAY)
    assert (flood.begin, flood.end) == (times[9], times[7] + TEN_MINUTES_MS)
    assert (flood.alerts, flood.most) == (12, 12)
    found = measure([told(at - T0) for at in times], T0, T0 + DAY, 1)
    assert found.flood_share == pytest.approx((times[7] + TEN_MINUTES_MS - times[9]) / DAY)


def test_a_flood_that_goes_on_has_no_end() -> None:
    [flood] = floods([T0] * 300, 1, T0 + MINUTE_MS)
    assert (flood.begin, flood.end, flood.alerts) == (T0, None, 300)


def windows(times: list[int], at: int) -> int:
    return sum(1 for one in times if at - TEN_MINUTES_MS < one <= at)


@given(st.lists(st.integers(0, 4 * HOUR_MS - 1), max_size=80).map(sorted), st.integers(1, 2))
@example([0] * 5 + [170_000] + [180_000] * 4 + [770_000], 1)  # one leaves as another comes
def test_floods_are_what_looking_every_ten_seconds_sees(times: list[int], operators: int) -> None:
    """In steps of ten seconds, so that no two alerts and looks are apart by less."""
    times = [at // 10_000 * 10_000 for at in times]
    until = 4 * HOUR_MS
    flooded, seen = False, []
    for at in range(0, until, 10_000):
        count = windows(times, at)
        flooded = count >= FLOOD_ENDS * operators if flooded else count >= FLOOD_BEGINS * operators
        seen.append(flooded)
    found = floods(times, operators, until)
    told_by_floods = [
        any(flood.begin <= at < (until if flood.end is None else flood.end) for flood in found)
        for at in range(0, until, 10_000)
    ]
    assert told_by_floods == seen


@pytest.mark.parametrize(("gap_ms", "chatters"), [(30_000, True), (30_001, False)])
def test_three_times_in_a_minute_is_chattering(gap_ms: int, chatters: bool) -> None:
    alerts = [told(number * gap_ms, ended=number * gap_ms + 5) for number in range(3)]
    found = measure([*alerts, told(0, "u-2"), told(1, "u-3")], T0, T0 + HOUR_MS, 1)
    assert list(found.chattering.values()) == ([3] if chatters else [])


@pytest.mark.parametrize(("lasted", "fleeting"), [(59_999, 1), (60_000, 0), (None, 0)])
def test_an_alarm_over_within_a_minute_is_fleeting(lasted: int | None, fleeting: int) -> None:
    found = measure([told(0, ended=lasted)], T0, T0 + HOUR_MS, 1)
    assert found.fleeting.total() == fleeting


@pytest.mark.parametrize(
    ("at", "ended", "stale"),
    [
        (-DAY - 1, None, True),
        (-DAY - 1, 1, True),
        (0, None, False),
        (-DAY, 0, False),
        (-3 * DAY, 5, True),
    ],
)
def test_stale_is_what_stands_for_more_than_a_day(at: int, ended: int | None, stale: bool) -> None:
    found = measure([told(at, ended=ended)], T0, T0 + HOUR_MS, 1)
    assert (len(found.stale) == 1) is stale


def test_bad_actors_and_priorities_as_a_document() -> None:
    alerts = [told(number * HOUR_MS, "u-1", priority="urgent") for number in range(3)]
    alerts += [told(HOUR_MS, f"v-{number}") for number in range(12)]
    document = measure(alerts, T0, T0 + DAY, 1).to_document()
    assert len(document["bad_actors"]) == 10
    assert document["bad_actors"][0] == {
        "rule": "fault",
        "subject": "u-1",
        "code": "fan:E1",
        "town": "zhaitang",
        "village": "matao",
        "alerts": 3,
        "share": 0.2,
    }
    assert document["bad_actors_share"] == pytest.approx(12 / 15)
    assert document["priorities"]["urgent"] == {"alerts": 3, "share": 0.2, "recommended": 0.01}
    assert document["rules"] == {"fault": 15}
    assert document["floods"] == [
        {"begin": T0 + HOUR_MS, "end": T0 + 70 * MINUTE_MS, "alerts": 13, "most": 13}
    ]


def test_what_came_before_the_period_or_after_it_is_no_alert_of_it() -> None:
    found = measure([told(-1), told(HOUR_MS), told(5)], T0, T0 + HOUR_MS, 1)
    assert [one.at - T0 for one in found.announced] == [5]


def test_without_alerts_there_is_nothing_to_divide_by() -> None:
    document = measure([], T0, T0 + HOUR_MS, 1).to_document()
    assert (document["alerts"], document["per_operator_hour"], document["bad_actors_share"]) == (
        0,
        0,
        None,
    )
    assert {one["share"] for one in document["priorities"].values()} == {None}


@pytest.mark.parametrize(("until", "operators"), [(T0, 1), (T0 + 1, 0)])
def test_an_empty_period_or_desk_is_refused(until: int, operators: int) -> None:
    with pytest.raises(ValueError, match="period"):
        measure([], T0, until, operators)


def test_recommended_shares_leave_little_but_low() -> None:
    assert sum(RECOMMENDED.values()) == pytest.approx(1, abs=0.011)
