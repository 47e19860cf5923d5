from zoneinfo import ZoneInfo

import pytest

from console.board import RunningClock, alert_rows, counts, running_clock, ticket_rows
from console.show import date_and_minute, date_and_time, iso, measured
from desk.tickets.life_cycle import allowed_events

CHINA = ZoneInfo("Asia/Shanghai")


def ticket(state: str, **more: object) -> dict[str, object]:
    return {
        "id": "T-1",
        "state": state,
        "opened_at": 100,
        "dispatch_by": 110,
        "onsite_by": 120,
        "repair_by": 140,
        **more,
    }


@pytest.mark.parametrize(
    ("state", "clock"),
    [
        ("open", RunningClock("dispatch", 100, 110)),
        ("dispatched", RunningClock("onsite", 100, 120)),
        ("on_site", RunningClock("repair", 100, 140)),
        ("repaired", None),
        ("verified", None),
    ],
)
def test_the_clock_that_runs_is_that_of_the_next_stage(
    state: str, clock: RunningClock | None
) -> None:
    assert running_clock(ticket(state)) == clock


def test_each_state_has_one_step_forward() -> None:
    states = ("open", "dispatched", "on_site", "repaired", "verified")
    rows = ticket_rows([ticket(state, events=allowed_events(state)) for state in states])
    assert [row["next_event"] for row in rows] == [
        "dispatch",
        "arrive",
        "repair",
        "verify",
        "close",
    ]
    assert [row["step"] for row in rows] == [0, 1, 2, 3, 4]


def test_a_ticket_that_is_proposed_for_closing_offers_that_and_shows_no_clock() -> None:
    proposed = {"event": "close", "why": "cleared_before_dispatch", "at": 105}
    events = allowed_events("open", proposed=True)
    [row] = ticket_rows([ticket("open", events=events, proposed=proposed)])
    assert (row["next_event"], row["clock"]) == ("close", None)
    assert "dispatch" in row["events"]


def test_an_alert_shows_the_clock_of_its_ticket() -> None:
    alerts = [
        {"ticket": "T-1", "subject_kind": "device"},
        {"ticket": "T-9", "subject_kind": "village"},
        {"ticket": None, "subject_kind": "gateway"},
    ]
    rows = alert_rows(alerts, [ticket("open")])
    assert [row["clock"] for row in rows] == [RunningClock("dispatch", 100, 110), None, None]
    assert [row["is_device"] for row in rows] == [True, False, False]


def test_priorities_without_alerts_count_zero() -> None:
    shown = counts({"alerts": {"high": 3}, "unacknowledged": {"high": 1}})
    assert shown["high"] == {"active": 3, "unacknowledged": 1}
    assert shown["urgent"] == {"active": 0, "unacknowledged": 0}
    assert list(shown) == ["urgent", "high", "medium", "low"]


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (16.44, "c", "16.4 °C"),
        (0.0, "c", "0.0 °C"),
        (-12.0, "c", "−12.0 °C"),
        (2350.0, "w", "2.35 kW"),
        (11.8, "percent", "11.8 %"),
        (3.0, None, "3.0"),
        (3.0, "steps", "3.0 steps"),
    ],
)
def test_values_carry_their_unit(value: float, unit: str | None, shown: str) -> None:
    assert measured(value, unit) == shown


def test_times_are_those_of_china() -> None:
    new_year = 1_767_196_800_000  # 2025-12-31T16:00:00Z
    assert date_and_time(new_year, CHINA) == "01-01 00:00:00"
    assert date_and_minute(new_year, CHINA) == "01-01 00:00"
    assert iso(new_year, CHINA) == "2026-01-01T00:00:00+08:00"
