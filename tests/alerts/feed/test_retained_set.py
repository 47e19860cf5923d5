"""What the broker retains against what is active, as messages come and go."""

from dataclasses import replace

from alerts.feed.retained_set import AGAIN_S, MOST_AT_ONCE, QUIET_S, REMOVED, RetainedSet
from wire.encode import encode_alert
from wire.messages import Alert

ALERT = Alert(
    *("A-1", "fault", "mtg-mt-0001", "mentougou", "zhaitang", "matao", "high", "active", 1, 2),
    text={"zh": "高压", "en": "high pressure"},
)
PAYLOAD = encode_alert(ALERT)
CLEARED = encode_alert(replace(ALERT, state="cleared", cleared_at=3))


def connected() -> RetainedSet:
    held = RetainedSet()
    held.begin(0.0)
    return held


def test_the_set_is_known_when_the_broker_has_been_quiet() -> None:
    held = connected()
    assert not held.is_due(QUIET_S / 2)
    held.take("a", PAYLOAD, QUIET_S / 2, retained=True)
    assert not held.is_due(QUIET_S)
    assert held.is_due(1.5 * QUIET_S)
    assert held.corrections({"a": PAYLOAD}, 2.0) == []
    assert not held.is_due(1_000.0)
    held.take("b", PAYLOAD, 1_000.0, retained=True)  # a slow broker, or a foreign one
    assert held.is_due(1_000.0 + QUIET_S)


def test_what_is_missing_different_or_not_active_is_corrected_until_the_broker_shows_it() -> None:
    held = connected()
    held.take("stale", PAYLOAD, 0.0, retained=True)
    held.take("other", b"{}", 0.0, retained=True)
    active = {"other": PAYLOAD, "missing": PAYLOAD}
    wanted = [("stale", REMOVED), ("other", PAYLOAD), ("missing", PAYLOAD)]
    assert held.corrections(active, 2.0) == wanted
    assert not held.is_due(2.0 + QUIET_S)
    assert held.is_due(2.0 + AGAIN_S)
    for topic, payload in wanted:
        held.take(topic, payload, 3.0, retained=False)
    assert held.corrections(active, 2.0 + AGAIN_S) == []


def test_a_cleared_alert_that_is_just_published_is_not_retained() -> None:
    held = connected()
    held.take("a", PAYLOAD, 0.0, retained=True)
    held.take("a", CLEARED, 0.1, retained=False)
    held.take("a", REMOVED, 0.1, retained=False)
    held.take("b", CLEARED, 0.1, retained=False)
    assert held.corrections({}, 2.0) == []


def test_what_the_feed_has_just_published_is_not_repeated() -> None:
    held = connected()
    held.sent("a", 0.9)
    assert held.corrections({"a": PAYLOAD}, 1.0) == []
    assert held.is_due(1.0 + QUIET_S)
    assert held.corrections({"a": PAYLOAD}, 1.0 + QUIET_S) == [("a", PAYLOAD)]


def test_a_whole_district_goes_in_parts() -> None:
    held = connected()
    active = {f"topic-{number}": PAYLOAD for number in range(MOST_AT_ONCE + 1)}
    first = held.corrections(active, 2.0)
    assert len(first) == MOST_AT_ONCE
    for topic, payload in first:
        held.take(topic, payload, 2.0, retained=False)
    assert held.is_due(2.0 + QUIET_S)
    assert len(held.corrections(active, 2.0 + QUIET_S)) == 1


def test_a_broker_that_may_not_be_read_gets_all_that_is_active_once() -> None:
    held = RetainedSet()
    held.begin(0.0, readable=False)
    assert held.corrections({"a": PAYLOAD}, 2.0) == [("a", PAYLOAD)]
    assert not held.is_due(1_000.0)
