"""Rule test documents: what they mean, and every mistake named by test and series."""

import copy
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.document.problems import RuleErrors
from rules.rule_tests.document import parse_tests

GOOD: dict[str, Any] = {
    "rules": ["../fault.toml"],
    "test": [
        {
            "name": "one",
            "interval": "30s",
            "series": {
                "state": "heating*2 gap",
                "faults": "- fan:E8*2",
                "room_c": "19 _ 18",
                "bad": "-*2 coil_c",
            },
            "expect": [{"at": "1h15m", "rule": "fault", "edge": "raise", "onset": "30s"}],
        }
    ],
}


def test_what_a_document_means() -> None:
    [test] = parse_tests(GOOD).tests
    start = round(datetime.fromisoformat("2025-12-01T00:00:00+08:00").timestamp() * 1000)
    assert (test.start, test.interval_ms) == (start, 30_000)
    first, second, third = test.devices[0].readings
    assert first is not None
    assert second is not None
    assert (first.at, first.state, first.faults, first.values) == (
        start,
        "heating",
        [],
        {"room_c": 19.0},
    )
    assert (second.at, second.faults, second.values) == (start + 30_000, ["fan:E8"], {})
    assert third is None
    [expected] = test.expected
    assert (expected.at - start, expected.onset) == (75 * 60_000, start + 30_000)


@pytest.mark.parametrize(
    ("path", "value", "keys"),
    [
        (("rules",), [], ["rules"]),
        (("test",), [], ["test"]),
        (("tests",), [], ["tests"]),
        (("test", 0, "name"), 5, ["test[0].name"]),
        (("test", 0, "interval"), "soon", ["test 'one'.interval"]),
        (("test", 0, "interval"), "0s", ["test 'one'.interval"]),
        (("test", 0, "start"), "2025-12-01", ["test 'one'.start"]),
        (("test", 0, "device"), {}, ["test 'one'.series"]),
        (("test", 0, "series"), {}, ["test 'one'.series"]),
        (("test", 0, "series", "room_c"), "19*2", ["test 'one'.series.room_c"]),
        (("test", 0, "series", "room"), "19*3", ["test 'one'.series.room"]),
        (("test", 0, "series", "state"), "hot*3", ["test 'one'.series.state"]),
        (("test", 0, "expect", 0, "at"), "1 hour", ["test 'one'.expect[0].at"]),
        (("test", 0, "expect", 0, "edge"), "begin", ["test 'one'.expect[0].edge"]),
        (("test", 0, "expect", 0, "device"), "x", ["test 'one'.expect[0].device"]),
        (("test", 0, "override"), {"fault": 1}, ["test 'one'.override"]),
    ],
)
def test_a_mistake_is_named_by_test_and_key(
    path: tuple[Any, ...], value: object, keys: list[str]
) -> None:
    document = copy.deepcopy(GOOD)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(RuleErrors) as caught:
        parse_tests(document)
    assert [key for key, _ in caught.value.problems] == keys


def test_devices_have_places_of_their_own() -> None:
    document = copy.deepcopy(GOOD)
    table = document["test"][0]
    table["device"] = {
        "a": table.pop("series"),
        "b": {"room_c": "1", "village": "north", "gateway": "g-2"},
    }
    first, second = parse_tests(document).tests[0].devices
    assert (first.id, first.village, first.gateway) == ("a", "village-1", "gateway-1")
    assert (second.id, second.village, second.gateway, len(second.readings)) == (
        "b",
        "north",
        "g-2",
        1,
    )
    table["device"]["B!"] = {"room_c": "1"}
    table["device"]["c"] = {"room_c": "1", "village": "No Such"}
    with pytest.raises(RuleErrors) as caught:
        parse_tests(document)
    assert [key for key, _ in caught.value.problems] == [
        "test 'one'.device.B!",
        "test 'one'.device.c.village",
    ]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
PLACES: list[tuple[Any, ...]] = [
    ("rules",),
    ("test",),
    ("test", 0),
    *(
        ("test", 0, name)
        for name in ("name", "interval", "start", "series", "device", "expect", "override")
    ),
    *(("test", 0, "series", name) for name in ("state", "faults", "room_c", "bad")),
    *(("test", 0, "expect", 0, name) for name in ("at", "rule", "edge", "value", "onset")),
    ("test", 0, "expect", 0),
]


@given(path=st.sampled_from(PLACES), value=junk)
def test_junk_anywhere_is_refused_or_read_but_never_crashes(
    path: tuple[Any, ...], value: object
) -> None:
    document = copy.deepcopy(GOOD)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    try:
        file = parse_tests(document)
    except RuleErrors:
        return
    assert file.tests
