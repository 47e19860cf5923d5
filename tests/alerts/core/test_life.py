"""The life of an alert as pure functions."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.core.life import (
    MAX_SHELVE_MS,
    acknowledge,
    apply,
    isa_state,
    shelve,
    take_out,
    unshelve,
)
from alerts.core.record import AlertRecord, alert_id, as_alert, key_of
from desk.errors import ActRefusedError
from rules.transitions.transition import Transition
from wire.location import Location
from wire.topics import GatewayPath

SPOT = Location("mentougou", "zhaitang", "matao", "mt-01")
NOW = 1_763_740_000_000
TEXT = {"zh": "高压", "en": "high pressure"}


def transition(edge: Any, onset: int, at: int, **more: Any) -> Transition:
    given = {
        "value": None,
        "limit": None,
        "unit": None,
        "priority": "high",
        "reason": "reported",
        "text": TEXT,
    }
    subject = ("fault", "mtg-mt-0001", "device", edge, "high_pressure:P1", onset, at)
    names = ("rule", "subject", "subject_kind", "edge", "code", "onset", "at")
    return Transition(**(dict(zip(names, subject, strict=True)) | given | more))


def run(transitions: list[Transition]) -> list[AlertRecord]:
    """Every episode, as the transitions leave it, in the order they were raised."""
    episodes: dict[str, AlertRecord] = {}
    latest: AlertRecord | None = None
    for one in transitions:
        changed = apply(latest, one, SPOT, NOW)
        if changed is not None:
            latest = episodes[changed.id] = changed
    return list(episodes.values())


def raised() -> AlertRecord:
    episode = apply(None, transition("raise", 1_000, 1_000), SPOT, NOW)
    assert episode is not None
    return episode


def test_a_raise_makes_an_active_unacknowledged_alert() -> None:
    episode = raised()
    assert episode.id == alert_id(("mtg-mt-0001", "fault", "high_pressure:P1", ""), 1_000)
    assert isa_state(episode, NOW) == "unacknowledged"
    assert as_alert(episode).code == "high_pressure:P1"


def test_an_update_follows_value_and_priority() -> None:
    changed = apply(
        raised(), transition("update", 1_000, 2_000, value=15.5, priority="urgent"), SPOT, NOW
    )
    assert changed is not None
    assert (changed.value, changed.priority, changed.onset) == (15.5, "urgent", 1_000)


def test_a_clear_ends_the_episode_in_event_and_server_time() -> None:
    changed = apply(raised(), transition("clear", 1_000, 5_000, reason="gone"), SPOT, NOW + 7)
    assert changed is not None
    assert (changed.state, changed.ended, changed.cleared_at, changed.reason) == (
        "cleared",
        5_000,
        NOW + 7,
        "gone",
    )
    assert isa_state(changed, NOW) == "returned_unacknowledged"
    assert isa_state(acknowledge(changed, "li", NOW), NOW) == "normal"


@pytest.mark.parametrize(
    ("state", "one"),
    [
        (None, transition("clear", 1_000, 2_000)),
        (None, transition("update", 1_000, 2_000)),
        ("active", transition("raise", 1_000, 1_000)),
        ("active", transition("raise", 3_000, 3_000)),
        ("active", transition("clear", 500, 900)),
        ("cleared", transition("raise", 1_000, 1_000)),
        ("cleared", transition("raise", 900, 950)),
        ("cleared", transition("raise", 1_500, 4_000)),
        ("cleared", transition("clear", 1_000, 6_000)),
        ("cleared", transition("update", 1_000, 6_000)),
    ],
)
def test_what_is_late_or_told_twice_changes_nothing(state: str | None, one: Transition) -> None:
    known = {
        None: None,
        "active": raised(),
        "cleared": apply(raised(), transition("clear", 1_000, 5_000), SPOT, NOW),
    }
    assert apply(known[state], one, SPOT, NOW) is None


def test_the_condition_coming_back_is_a_new_episode() -> None:
    told = [transition("raise", 1, 1), transition("clear", 1, 5), transition("raise", 6, 6)]
    assert [(one.onset, one.state) for one in run(told)] == [(1, "cleared"), (6, "active")]


@st.composite
def histories(draw: st.DrawFn) -> list[Transition]:
    """Episodes one after the other as a rule tells them: raise, perhaps updates, clear; the last
    may stay active."""
    moments = draw(st.lists(st.integers(1, 50), min_size=1, max_size=12))
    told: list[Transition] = []
    at = 0
    for number, pause in enumerate(moments):
        at += pause
        onset = at if number % 2 == 0 else told[-1].onset
        told.append(transition("raise" if number % 2 == 0 else "clear", onset, at, value=float(at)))
    return told


@given(histories(), st.data())
def test_replaying_any_part_of_the_past_changes_nothing(
    told: list[Transition], data: st.DataObject
) -> None:
    replayed = list(told)
    for _ in range(data.draw(st.integers(1, 5))):
        end = data.draw(st.integers(1, len(replayed)))
        start = data.draw(st.integers(0, end))
        past = [one for one in replayed[:end][start:] if one in told]
        replayed[end:end] = past
    assert run(replayed) == run(told)


@given(histories())
def test_at_most_one_episode_is_active_and_none_overlap(told: list[Transition]) -> None:
    episodes = run(told)
    assert sum(one.state == "active" for one in episodes) <= 1
    for before, after in itertools.pairwise(episodes):
        assert before.ended is not None
        assert before.ended < after.onset


def test_only_the_first_acknowledgement_counts() -> None:
    once = acknowledge(raised(), "li", NOW)
    assert acknowledge(once, "wang", NOW + 1) == once
    assert isa_state(once, NOW) == "acknowledged"


def test_a_shelved_alert_returns_by_itself() -> None:
    shelved = shelve(raised(), NOW + 1_000, "crew is there", "li", NOW)
    assert isa_state(shelved, NOW) == "shelved"
    assert unshelve(shelved, NOW + 999) == shelved
    assert unshelve(shelved, NOW + 1_000) == raised()


def test_what_is_shelved_stays_so_when_it_clears_and_returns_within_the_time() -> None:
    shelved = shelve(raised(), NOW + 1_000, "crew is there", "li", NOW)
    cleared = apply(shelved, transition("clear", 1_000, 2_000), SPOT, NOW)
    assert cleared is not None
    assert as_alert(cleared).shelved_until is None
    again = transition("raise", 3_000, 3_000)
    early, late = apply(cleared, again, SPOT, NOW + 999), apply(cleared, again, SPOT, NOW + 1_000)
    assert early is not None
    assert late is not None
    assert (isa_state(early, NOW + 999), early.shelved_by) == ("shelved", "li")
    assert (isa_state(late, NOW + 1_000), late.shelved_until) == ("unacknowledged", None)
    graver = apply(cleared, replace(again, priority="urgent"), SPOT, NOW + 999)
    assert graver is not None
    assert isa_state(graver, NOW + 999) == "unacknowledged"


def test_gateways_and_villages_of_equal_names_have_alerts_of_their_own() -> None:
    places = [
        GatewayPath("mentougou", town, village, "g-1")
        for town in ("zhaitang", "junzhuang")
        for village in ("a", "b")
    ]
    gateways = [
        transition("raise", 1, 1, subject="g-1", subject_kind="gateway", gateway_path=place)
        for place in places
    ]
    assert len({key_of(one) for one in gateways}) == 4
    villages = [
        transition("raise", 1, 1, subject="a", subject_kind="village", gateway_path=places[number])
        for number in (0, 2)
    ]
    assert len({key_of(one) for one in villages}) == 2
    episode = apply(None, gateways[0], Location("mentougou", "zhaitang", "a", "g-1"), NOW)
    assert episode is not None
    assert episode.key == key_of(gateways[0])


@pytest.mark.parametrize(
    ("until", "reason", "state", "code"),
    [
        (NOW + MAX_SHELVE_MS + 1, "x", "active", "out_of_bounds"),
        (NOW, "x", "active", "out_of_bounds"),
        (NOW + 1, " ", "active", "reason_missing"),
        (NOW + 1, "x", "cleared", "not_active"),
    ],
)
def test_shelving_has_bounds(until: int, reason: str, state: Any, code: str) -> None:
    with pytest.raises(ActRefusedError) as refused:
        shelve(replace(raised(), state=state), until, reason, "li", NOW)
    assert refused.value.code == code


def test_a_rise_takes_back_what_was_decided_of_the_lesser_alert() -> None:
    lesser = replace(raised(), ticket="T-1")
    aside = shelve(acknowledge(lesser, "li", NOW), NOW + 1_000, "crew is there", "li", NOW)
    out = take_out(aside, "away", "li", NOW)
    assert isa_state(out, NOW) == "out_of_service"
    higher = apply(out, transition("update", 1_000, 2_000, priority="urgent"), SPOT, NOW)
    assert higher is not None
    assert isa_state(higher, NOW) == "unacknowledged"
    assert (higher.shelved_until, higher.out_until, higher.ticket) == (None, None, None)


def test_a_fall_changes_neither_priority_nor_acknowledgement() -> None:
    known = acknowledge(raised(), "li", NOW)
    lower = apply(known, transition("update", 1_000, 2_000, value=1.0, priority="low"), SPOT, NOW)
    assert lower is not None
    assert (lower.priority, lower.value, lower.acknowledged_by) == ("high", 1.0, "li")


def test_a_clear_ends_out_of_service() -> None:
    out = take_out(raised(), "away", "li", NOW)
    cleared = apply(out, transition("clear", 1_000, 5_000), SPOT, NOW)
    assert cleared is not None
    assert cleared.out_until is None
