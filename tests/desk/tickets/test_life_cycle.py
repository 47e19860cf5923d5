"""The life of a ticket as pure functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.core.practice import practice_of
from desk.tickets.life_cycle import (
    EVENTS,
    FINAL,
    STATES,
    TRANSITIONS,
    Due,
    IllegalTransitionError,
    Ticket,
    TicketEvent,
    allowed_events,
    open_ticket,
    passed_deadlines,
    propose_close,
    run_on,
    step,
)
from desk.tickets.terms import ServiceProfile, ServiceTerms
from tests.alerts.messages import CHINA
from tests.rules.shipped import shipped_rules

OPENED = 1_763_740_000_000
MINUTE = 60_000
PROFILE = ServiceProfile()


def ticket() -> Ticket:
    return open_ticket("T-20251121-0001", OPENED, PROFILE)


def walk(*events: TicketEvent) -> Ticket:
    """The ticket after `events`, one a minute."""
    one = ticket()
    for number, event in enumerate(events, 1):
        one = step(one, event, OPENED + number * MINUTE)
    return one


def test_the_whole_path() -> None:
    closed = walk("dispatch", "arrive", "repair", "verify", "close")
    assert closed.state == "closed"
    stamps = (
        closed.dispatched_at,
        closed.arrived_at,
        closed.repaired_at,
        closed.verified_at,
        closed.closed_at,
    )
    assert stamps == tuple(OPENED + n * MINUTE for n in range(1, 6))
    assert closed.version == 6


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_every_step_is_in_the_table_or_refused_with_a_reason(state: str, event: str) -> None:
    one = Ticket("T", state, OPENED, 0, 0, 0)  # type: ignore[arg-type]
    if event == "note":
        assert step(one, event, OPENED).state == state
    elif (state, event) in TRANSITIONS:
        assert step(one, event, OPENED).state == TRANSITIONS[state, event]  # type: ignore[index]
    else:
        with pytest.raises(
            IllegalTransitionError, match=f"a ticket that is {state} cannot {event}; possible now: "
        ):
            step(one, event, OPENED)  # type: ignore[arg-type]


def test_reopening_keeps_the_response_and_forgets_the_repair() -> None:
    again = walk("dispatch", "arrive", "repair", "reopen")
    assert again.state == "open"
    assert (again.dispatched_at, again.repaired_at) == (OPENED + MINUTE, None)
    assert step(again, "dispatch", OPENED + 99 * MINUTE).dispatched_at == OPENED + MINUTE


def test_deadlines_pass_one_after_the_other() -> None:
    assert passed_deadlines(ticket(), OPENED + 10 * MINUTE) == []
    assert [due.stage for due in passed_deadlines(ticket(), OPENED + 10 * MINUTE + 1)] == [
        "dispatch"
    ]
    assert [due.stage for due in passed_deadlines(ticket(), OPENED + 300 * MINUTE)] == [
        "dispatch",
        "onsite",
        "repair",
    ]


def test_a_stage_reached_late_has_passed_its_deadline_for_good() -> None:
    late = step(ticket(), "dispatch", OPENED + 11 * MINUTE)
    assert passed_deadlines(late, OPENED + 11 * MINUTE) == [Due("dispatch", OPENED + 10 * MINUTE)]


def test_a_ticket_that_ended_in_time_never_escalates() -> None:
    assert passed_deadlines(walk("cancel"), OPENED + 10**9) == []
    assert (
        passed_deadlines(walk("dispatch", "arrive", "repair", "verify", "close"), OPENED + 10**9)
        == []
    )


def test_clocks_stand_still_while_it_is_proposed_for_closing() -> None:
    proposed = propose_close(ticket(), OPENED + 4 * MINUTE)
    assert passed_deadlines(proposed, OPENED + 10**9) == []
    back = run_on(proposed, OPENED + 100 * MINUTE)
    assert back.dispatch_by == OPENED + 106 * MINUTE
    assert (back.proposed_at, back.version) == (None, proposed.version + 1)


def test_a_deadline_that_passed_before_the_proposal_has_passed_for_good() -> None:
    proposed = propose_close(ticket(), OPENED + 11 * MINUTE)
    back = run_on(proposed, OPENED + 100 * MINUTE)
    for one in (proposed, back):
        assert passed_deadlines(one, OPENED + 100 * MINUTE)[0] == Due(
            "dispatch", OPENED + 10 * MINUTE
        )
    assert back.onsite_by == OPENED + (120 + 89) * MINUTE


def test_only_a_proposed_ticket_is_closed_before_anybody_was_sent() -> None:
    with pytest.raises(IllegalTransitionError):
        step(ticket(), "close", OPENED)
    proposed = propose_close(ticket(), OPENED + MINUTE)
    assert step(proposed, "note", OPENED + MINUTE).proposed_at == OPENED + MINUTE
    closed = step(proposed, "close", OPENED + 99 * MINUTE)
    assert (closed.state, closed.proposed_at) == ("closed", None)
    assert passed_deadlines(closed, OPENED + 10**9) == []
    sent = step(proposed, "dispatch", OPENED + 99 * MINUTE)
    assert (sent.state, passed_deadlines(sent, OPENED + 99 * MINUTE)) == ("dispatched", [])


steps = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 90 * MINUTE)), max_size=30)


@given(steps)
def test_any_sequence_keeps_the_ticket_whole(tried: list[tuple[TicketEvent, int]]) -> None:
    one, now, passed = ticket(), OPENED, set[str]()
    for event, pause in tried:
        now += pause
        before = one
        try:
            one = step(one, event, now)
        except IllegalTransitionError:
            assert one == before
        else:
            assert one.version == before.version + 1
        assert (one.closed_at is not None) == (one.state in FINAL)
        assert (one.dispatched_at is not None) or one.state in ("open", "cancelled")
        assert bool(allowed_events(one.state))
        passed |= {due.stage for due in passed_deadlines(one, now)}
    assert passed <= {"dispatch", "onsite", "repair"}


@given(steps)
def test_looking_often_finds_the_same_deadlines_as_looking_at_every_step(
    tried: list[tuple[TicketEvent, int]],
) -> None:
    """Escalations are found at each step and each tick; ticks in between find nothing a step would
    not."""
    one, now = ticket(), OPENED
    for event, pause in tried:
        now += pause
        before = {due.stage for due in passed_deadlines(one, now)}
        try:
            one = step(one, event, now)
        except IllegalTransitionError:
            continue
        if event != "reopen":
            assert {due.stage for due in passed_deadlines(one, now)} == before


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("fault", "device_fault"),
        ("low_room_temperature", "low_room_temperature"),
        ("defrost_share", "defrost"),
        ("device_offline", "offline"),
        ("gateway_offline", "offline"),
        ("village_outage", "village_outage"),
        ("something_new", None),
    ],
)
def test_which_alerts_open_a_ticket(rule: str, kind: str | None) -> None:
    assert practice_of(shipped_rules(), ServiceTerms(CHINA)).kinds.get(rule) == kind


def test_the_day_of_an_id_is_the_day_in_china() -> None:
    assert (
        ServiceTerms(CHINA).ticket_id(1_795_305_600_000 - 8 * 3_600_000 - 1, 7) == "T-20261121-0007"
    )
    assert (
        ServiceTerms(CHINA).ticket_id(1_795_305_600_000 - 8 * 3_600_000, 12_345)
        == "T-20261122-12345"
    )
