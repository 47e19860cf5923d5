"""Rule documents: what is shipped is good, and every mistake is named by its key, all at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.definition import KINDS, parse_rule
from rules.document.problems import RuleErrors
from rules.kinds.lasting.low_limit import LowLimitRule
from rules.presence.rules import GatewayOfflineRule
from tests.rules.shipped import document, shipped, shipped_rules, shipped_tables
from wire.points import FAULT_KINDS


def table(name: str, **changes: Any) -> dict[str, Any]:
    """A shipped document with keys of its rule replaced, or left out where the value is None."""
    (rule,) = document(name)["rule"]
    merged = {key: value for key, value in {**rule, **changes}.items() if value is not None}
    return {"rule": [merged]}


def problems(found: dict[str, Any]) -> list[str]:
    with pytest.raises(RuleErrors) as caught:
        parse_rule(found)
    return [key for key, _ in caught.value.problems]


def test_the_shipped_rules_hold_those_of_the_contract_and_show_every_kind() -> None:
    contract = (
        "fault low_room_temperature defrost_share device_offline gateway_offline village_outage"
    )
    assert {rule.id for rule in shipped_rules()} >= set(contract.split())
    assert {rule.kind for rule in shipped_rules()} == set(KINDS)


def test_what_a_rule_follows_is_a_rule() -> None:
    assert {name for rule in shipped_rules() for name in rule.follows} <= {
        rule.id for rule in shipped_rules()
    }


@pytest.mark.parametrize(
    ("name", "changes", "keys"),
    [
        ("fault", {"kind": "falt"}, ["rule[0].kind"]),
        ("fault", {"kind": None}, ["rule[0].kind"]),
        ("fault", {"on_dealy": "1m"}, ["rule[0].on_dealy"]),
        ("fault", {"on_delay": 60}, ["rule[0].on_delay"]),
        ("fault", {"on_delay": "60 minutes"}, ["rule[0].on_delay"]),
        ("fault", {"clear_readings": 0}, ["rule[0].clear_readings"]),
        ("fault", {"clear_readings": True}, ["rule[0].clear_readings"]),
        ("fault", {"priority": "critical"}, ["rule[0].priority"]),
        ("fault", {"id": "Fault"}, ["rule[0].id"]),
        ("fault", {"text": {"zh": "故障"}}, ["rule[0].text.en"]),
        ("fault", {"text": {"zh": "故障", "en": "fault", "fr": "panne"}}, ["rule[0].text.fr"]),
        (
            "fault",
            {"text": {"zh": "故障 {value", "en": "{valeu}"}},
            ["rule[0].text.zh", "rule[0].text.en"],
        ),
        ("fault", {"cleared": None}, ["rule[0].cleared"]),
        ("fault", {"meanings": {}}, [f"rule[0].meanings.{kind}" for kind in sorted(FAULT_KINDS)]),
        ("low_room_temperature", {"point": "room"}, ["rule[0].point"]),
        ("low_room_temperature", {"limit": "18"}, ["rule[0].limit"]),
        ("low_room_temperature", {"limit": float("nan")}, ["rule[0].limit"]),
        ("low_room_temperature", {"limit": None}, ["rule[0].limit"]),
        ("low_room_temperature", {"deadband": -0.5}, ["rule[0].deadband"]),
        (
            "low_room_temperature",
            {"steps": [{"limit": 19.0, "priority": "high"}]},
            ["rule[0].steps"],
        ),
        ("low_room_temperature", {"steps": [{"limit": 16.0}]}, ["rule[0].steps[0]"]),
        (
            "low_room_temperature",
            {"limit": "x", "id": 5, "kinds": 1},
            ["rule[0].kinds", "rule[0].id", "rule[0].limit"],
        ),
        ("defrost_share", {"cycles": 13}, ["rule[0].cycles"]),
        ("defrost_share", {"deadband": 10.0}, ["rule[0].deadband"]),
        ("gateway_offline", {"last_will_delay": "soon"}, ["rule[0].last_will_delay"]),
        ("village_outage", {"share": 1.5, "gateways": 2.5}, ["rule[0].gateways", "rule[0].share"]),
    ],
)
def test_a_mistake_is_named_by_its_key(name: str, changes: dict[str, Any], keys: list[str]) -> None:
    assert problems(table(name, **changes)) == keys


@pytest.mark.parametrize(
    ("found", "keys"),
    [
        ({}, ["rule"]),
        ({"rule": []}, ["rule"]),
        ({"rule": "fault"}, ["rule"]),
        ({"rule": [7]}, ["rule[0]"]),
        ({"rules": [], **table("fault")}, ["rules"]),
        ({"rule": table("fault")["rule"] * 2}, ["rule"]),
    ],
)
def test_a_document_holds_rule_tables(found: dict[str, Any], keys: list[str]) -> None:
    assert problems(found) == keys


def test_two_bad_rules_are_told_together() -> None:
    first, second = table("fault", priority="x"), table("defrost_share", limit=0)
    assert problems({"rule": first["rule"] + second["rule"]}) == [
        "rule[0].priority",
        "rule[1].limit",
    ]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(good=st.sampled_from(shipped_tables()), data=st.data())
def test_junk_under_any_key_is_refused_or_read_but_never_crashes(
    good: dict[str, Any], data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(good)))
    value = data.draw(junk)
    try:
        (rule,) = parse_rule({"rule": [{**good, key: value}]})
    except RuleErrors:
        return
    assert rule.kind in KINDS


def test_overrides_change_numbers() -> None:
    rule = shipped("low_room_temperature", on_delay="20s", limit=16.5, priority="medium")
    assert isinstance(rule, LowLimitRule)
    assert (rule.on_delay_ms, rule.limit, rule.priority, rule.deadband) == (
        20_000,
        16.5,
        "medium",
        0.5,
    )
    gateway = shipped("gateway_offline", last_will_delay="1s", at_least="10s", intervals=2)
    assert isinstance(gateway, GatewayOfflineRule)
    assert (gateway.last_will_delay_ms, gateway.limit_ms(30_000), gateway.limit_ms(1_000)) == (
        1_000,
        60_000,
        10_000,
    )


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"id": "other"}, ["id"]),
        ({"kind": "fault"}, ["kind"]),
        ({"on_dleay": "20s", "limit": "low"}, ["on_dleay", "limit"]),
        ({"limit": 10.0}, ["steps", "steps"]),
    ],
)
def test_a_wrong_override_is_named(changes: dict[str, object], keys: list[str]) -> None:
    with pytest.raises(RuleErrors) as caught:
        shipped("low_room_temperature", **changes)
    assert [key for key, _ in caught.value.problems][:1] == keys[:1]
    assert {key for key, _ in caught.value.problems} == set(keys)
