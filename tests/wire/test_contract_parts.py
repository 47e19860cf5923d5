"""Identifiers, topics, durations, clocks and ownership as the contract states them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.clocks import check_event_time
from wire.durations import format_duration, parse_duration
from wire.identifiers import is_identifier
from wire.messages import Alert
from wire.ownership import Ownership
from wire.topics import (
    GatewayPath,
    TopicError,
    alert_topic,
    code_slug,
    gateway_topic,
    parse_gateway_topic,
)

NOW = 1_763_740_012_345


@pytest.mark.parametrize("text", ["a", "mtg-ql-0042", "0", "a" * 48])
def test_identifiers(text: str) -> None:
    assert is_identifier(text)


@pytest.mark.parametrize("text", ["", "-a", "A", "a_b", "a b", "a" * 49, "a\n", "中", "a/b", "a+"])
def test_not_identifiers(text: str) -> None:
    assert not is_identifier(text)


identifiers = st.from_regex(r"[a-z0-9][a-z0-9-]{0,47}", fullmatch=True)


@given(st.builds(GatewayPath, identifiers, identifiers, identifiers, identifiers))
def test_gateway_topics_read_back(place: GatewayPath) -> None:
    assert parse_gateway_topic(gateway_topic("telemetry", place)) == ("telemetry", place)


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("hw/v1/telemetry/d/t/v", "bad_topic"),
        ("hw/v1/telemetry/d/t/v/g/x", "bad_topic"),
        ("hw/v2/telemetry/d/t/v/g", "bad_topic"),
        ("hw/v1/gossip/d/t/v/g", "bad_topic"),
        ("hw/v1/telemetry/d/t/v/G", "bad_identifier"),
        ("hw/v1/telemetry/d//v/g", "bad_identifier"),
    ],
)
def test_bad_topics_are_named(topic: str, code: str) -> None:
    with pytest.raises(TopicError) as caught:
        parse_gateway_topic(topic)
    assert caught.value.code == code


def test_alert_topic_has_a_level_more_for_a_code() -> None:
    alert = Alert(
        "a",
        "fault",
        "mtg-1",
        "d",
        "t",
        "v",
        "high",
        "active",
        NOW,
        NOW,
        {},
        code="high_pressure:P1",
    )
    assert alert_topic(alert) == "hw/v1/alert/d/t/v/mtg-1/fault/high-pressure-p1"
    alert.code = None
    assert alert_topic(alert) == "hw/v1/alert/d/t/v/mtg-1/fault"


def test_code_slug() -> None:
    assert code_slug("high_pressure:P1") == "high-pressure-p1"


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("500ms", 500), ("30s", 30_000), ("10m", 600_000), ("2h", 7_200_000), ("7d", 604_800_000)],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds
    assert format_duration(milliseconds) == text


@given(st.integers(0, 10**12))
def test_durations_read_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds)) == milliseconds


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "30 s s", "1w"])
def test_not_durations(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (NOW, None),
        (NOW + 5 * 60_000, None),
        (NOW + 5 * 60_000 + 1, "clock_ahead"),
        (NOW // 1000, "bad_precision"),
        (NOW * 1000, "bad_precision"),
        (0, "too_early"),
        (1_577_836_799_999, "too_early"),
        (1_577_836_800_000, None),
    ],
)
def test_event_times(at: int, code: str | None) -> None:
    assert check_event_time(at, NOW) == code


A = GatewayPath("d", "t", "v", "a")
B = GatewayPath("d", "t", "v", "b")


def test_a_device_belongs_to_who_announced_it_first_until_it_is_given_up() -> None:
    ownership = Ownership()
    ownership.announce(A, ["x", "y"])
    ownership.announce(B, ["x"])
    assert (ownership.owner("x"), ownership.claim("x", B)) == (A, False)
    ownership.announce(A, ["y"])
    assert ownership.owner("x") == B


def test_an_unannounced_device_goes_to_who_speaks_first() -> None:
    ownership = Ownership()
    assert ownership.claim("x", B)
    assert not ownership.claim("x", A)


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.sets(st.sampled_from("xyz")))))
def test_every_listed_device_has_one_owner_that_lists_it(
    births: list[tuple[GatewayPath, set[str]]],
) -> None:
    ownership = Ownership()
    listed: dict[GatewayPath, set[str]] = {}
    for place, devices in births:
        ownership.announce(place, sorted(devices))
        listed[place] = devices
    for device in set().union(*listed.values()):
        owner = ownership.owner(device)
        assert owner is not None
        assert device in listed[owner]
