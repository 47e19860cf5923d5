"""What may be written wrong in rules that take days, and what they say in words."""

import pytest

from rules.definition import parse_rule
from rules.document.problems import RuleErrors
from rules.engine.engine import Engine
from rules.transitions.transition import OpenCondition
from tests.rules.shipped import PLACE, T0, document, shipped
from wire.messages import Reading
from wire.units import HOUR_MS as HOUR

SIGN = {"quantity": "cop_ratio", "fall": 20.0, "name": {"zh": "能效", "en": "COP"}}
STUCK = {"point": "supply_c", "against": "return_c", "moves": 7.0, "name": SIGN["name"]}

WRONG: dict[str, tuple[str, dict[str, object], list[str]]] = {
    "no signs": ("low_cop", {"signs": []}, ["signs"]),
    "a sign with two sides": ("low_cop", {"signs": [SIGN | {"rise": 1.0}]}, ["signs[0]"]),
    "a sign without a side": (
        "low_cop",
        {"signs": [{"quantity": "cop_ratio", "name": SIGN["name"]}]},
        ["signs[0]"],
    ),
    "a sign of nothing": ("low_cop", {"signs": [SIGN | {"quantity": "charm"}]}, ["signs[0]"]),
    "a sign by 0": ("low_cop", {"signs": [SIGN | {"fall": 0}]}, ["signs[0]"]),
    "a sign without Chinese": (
        "low_cop",
        {"signs": [SIGN | {"name": {"en": "COP"}}]},
        ["signs[0].zh"],
    ),
    "a sign required by word": ("low_cop", {"signs": [SIGN | {"required": "yes"}]}, ["signs[0]"]),
    "a sound range upside down": (
        "low_cop",
        {"signs": [SIGN | {"healthy": [2.0, 1.0]}]},
        ["signs[0]"],
    ),
    "a sound range of words": (
        "low_cop",
        {"signs": [SIGN | {"healthy": ["low", "high"]}]},
        ["signs[0]"],
    ),
    "a sign against it without a side": (
        "low_cop",
        {"unless": [SIGN | {"fall_by": 1.0}]},
        ["unless[0]"],
    ),
    "settled without a unit": ("sensor_drift", {"settled": 10}, ["settled"]),
    "more signs needed than there are": ("suspected_leak", {"needs": 6}, ["needs"]),
    "a baseline of a year": ("low_cop", {"learn_days": 365}, ["learn_days"]),
    "a deadband of all": ("low_cop", {"deadband": 100}, ["deadband"]),
    "no bound": ("undersized", {"met": []}, ["met"]),
    "an unknown bound": ("undersized", {"met": [{"quantity": "room_c", "under": 3}]}, ["met[0]"]),
    "a stuck sensor twice": ("sensor_stuck", {"sensors": [STUCK, STUCK]}, ["sensors"]),
    "a stuck sensor against nothing": (
        "sensor_stuck",
        {"sensors": [{"point": "supply_c"}]},
        ["sensors[0]"],
    ),
    "stuck against a derived quantity": (
        "sensor_stuck",
        {"sensors": [STUCK | {"against": "delta_k"}]},
        ["sensors[0]"],
    ),
    "stuck for weeks": ("sensor_stuck", {"for_hours": 500}, ["for_hours"]),
    "more hours needed than looked at": ("undersized", {"needs": 41}, ["needs"]),
    "more hours than fit": ("undersized", {"window": 65}, ["needs"]),
    "clearing where it raises": ("undersized", {"clears": 30}, ["needs"]),
    "a month that is none": ("valley_cap", {"normal_c": {"13": 5.0}}, ["normal_c"]),
    "steps that fall": (
        "valley_cap",
        {"steps": [{"limit": 95, "priority": "low"}, {"limit": 80, "priority": "low"}]},
        ["steps"],
    ),
    "no steps": ("valley_cap", {"steps": []}, ["steps"]),
    "hours that are none": ("suspected_coal", {"hours": "evening"}, ["hours"]),
    "a house that stores nothing": ("suspected_coal", {"time_constant": 0}, ["time_constant"]),
    "a share of a hundred": ("suspected_coal", {"heard_share": 60}, ["heard_share"]),
    "a curve that turns": ("defrost_share", {"expected": [[0, 5], [-5, 3]]}, ["expected"]),
    "a curve of words": ("defrost_share", {"expected": [["cold", 5]]}, ["expected"]),
    "a curve too high": ("defrost_share", {"expected": [[0, 50]]}, ["expected"]),
    "no duration": ("extreme_cold", {"longer_than": 48}, ["longer_than"]),
}


@pytest.mark.parametrize(("file", "changes", "keys"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_named_by_its_key(
    file: str, changes: dict[str, object], keys: list[str]
) -> None:
    written = document(file)
    written["rule"][0] |= changes
    with pytest.raises(RuleErrors) as caught:
        parse_rule(written)
    assert [key for key, _ in caught.value.problems] == [f"rule[0].{key}" for key in keys]


def test_a_drift_is_told_with_every_sign_that_shows() -> None:
    changes = {"learn_days": 1, "on_days": 1, "settle_days": 1, "day_hours": 2}
    engine, reported = Engine([shipped("suspected_leak", **changes)]), []
    for hour in range(96):
        leak = hour >= 48
        values = {
            "outdoor_c": -5.0,
            "supply_c": 42.0,
            "compressor_hz": 60.0,
            "low_bar": 2.72 if leak else 3.4,
        }
        values |= {"discharge_c": 90.0 if leak else 78.0, "exv_steps": 300.0 if leak else 200.0}
        values |= {"return_c": 37.0, "power_w": 2_150.0, "heat_w": 6_000.0}  # its COP is as it was
        reported += engine.observe(
            [(PLACE, Reading("mtg-mt-0001", T0 + hour * HOUR, "heating", [], values, []))], T0
        )
    [raised] = reported
    assert raised.text["en"].endswith(
        "weeks: valve opening +50 %, discharge gas +12.0 K, suction pressure −20 %."
    )
    assert raised.text["zh"].endswith("，膨胀阀开度 +50 %、排气温度偏高 +12.0 K、低压 −20 %。")
    assert raised.value == pytest.approx(50.0)


def test_every_stuck_sensor_is_named() -> None:
    engine, reported = Engine([shipped("sensor_stuck", for_hours=3)]), []
    for hour in range(6):
        values = {
            "supply_c": 41.5,
            "return_c": 30.0 + 3 * hour,
            "outdoor_c": -3.0,
            "coil_c": -20.0 + 4 * hour,
        }
        reported += engine.observe(
            [(PLACE, Reading("mtg-mt-0001", T0 + hour * HOUR, "heating", [], values, []))], T0
        )
    [raised] = reported
    assert (
        "supply temperature, outdoor temperature has stood at 41.5 °C for more than 3 h"
        in raised.text["en"]
    )
    assert "出水温度、室外温度停在 41.5 °C" in raised.text["zh"]


def test_an_alert_of_before_waits_until_every_sensor_has_moved() -> None:
    engine = Engine([shipped("sensor_stuck")])
    engine.adopt([OpenCondition("sensor_stuck", "mtg-mt-0001", None, T0)])
    shown = [(41.5, 30.0), (41.6, 30.0), (41.6, 30.1)]
    reported = []
    for hour, (supply, back) in enumerate(shown):
        values = {"supply_c": supply, "return_c": back}
        reported += engine.observe(
            [(PLACE, Reading("mtg-mt-0001", T0 + hour * HOUR, "heating", [], values, []))], T0
        )
    assert [(one.edge, one.at, one.onset) for one in reported] == [("clear", T0 + 2 * HOUR, T0)]
