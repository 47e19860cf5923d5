"""Which register map fits: every golden vector of every shipped map among all the others, and real
slaves on a line."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.polling.scan import (
    FoundUnit,
    ProfileFit,
    fit,
    never_moves,
    scan_line,
    settings_to_try,
)
from gateway_agent.polling.visit_plan import plan_visits
from gateway_agent.profile.fields import Key
from gateway_agent.profile.loading import shipped_profiles
from tests.gateway_agent.slaves import PtySlave, Units
from tests.gateway_agent.test_service import midea_registers

REPOSITORY = Path(__file__).parents[3]
LINE = parse_line("serial:///dev/ttyS1?baud=9600")
PROFILES = shipped_profiles([REPOSITORY / "config" / "profiles"])
PLANS = {name: plan_visits(profile, LINE)["read_all"] for name, profile in PROFILES.items()}
VECTORS = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(REPOSITORY.glob("tests/golden/readings/*"))
]


def scores(contents: Mapping[Key, int], answers_all: bool) -> dict[str, float]:
    """How well each map fits a unit of these contents, which refuses other blocks or answers
    zeros."""
    found = {}
    for name, plan in PLANS.items():
        blocks = [
            request.keys for request in plan if answers_all or set(request.keys) <= contents.keys()
        ]
        found[name] = fit(
            PROFILES[name], plan, {key: contents.get(key, 0) for keys in blocks for key in keys}
        )
    return found


def contents_of(vector: dict[str, object]) -> dict[Key, int]:
    """The unit's registers: those of the vector, and 0 in the rest of what its own map reads."""
    own = PROFILES[str(vector["profile"])]
    contents = {key: 0 for request in PLANS[own.profile] for key in request.keys}
    for text, raw in dict(vector["registers"]).items():  # type: ignore[call-overload]
        table, _, address = text.rpartition(":")
        contents[(table or own.read.table, int(address))] = raw
    return contents


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["why"][:40])
def test_a_units_own_map_fits_best(vector: dict[str, object]) -> None:
    found = scores(contents_of(vector), answers_all=False)
    assert max(found, key=lambda name: found[name]) == vector["profile"]
    assert all(0 <= score <= 1 for score in found.values())


TELLING = [
    vector for vector in VECTORS if {"supply_c", "return_c"} <= vector["expected"]["values"].keys()
]


@pytest.mark.parametrize("vector", TELLING, ids=lambda vector: vector["why"][:40])
def test_so_it_does_where_the_unit_answers_zeros_to_what_it_does_not_know(
    vector: dict[str, object],
) -> None:
    found = scores(contents_of(vector), answers_all=True)
    assert max(found, key=lambda name: found[name]) == vector["profile"]


def test_a_box_that_answers_zeros_to_everything_is_no_heat_pump() -> None:
    assert max(scores({}, answers_all=True).values()) < 0.1


def test_every_unit_of_a_line_is_found_and_named() -> None:
    units = Units({3: midea_registers(), 5: dict.fromkeys(range(2_200), 0)})
    slave = PtySlave(units)
    bus = Bus(parse_line(f"serial://{slave.path}?baud=115200"))
    done: list[int] = []
    try:
        found = list(scan_line(bus, range(2, 7), PROFILES, 0.05, done.append))
    finally:
        bus.close()
        slave.close()
    assert [(unit.address, unit.profile) for unit in found] == [(3, "midea-mthermal"), (5, None)]
    assert found[0].to_document()["candidates"][0]["profile"] == "midea-mthermal"
    assert done == [2, 3, 4, 5, 6]
    assert {function for _, function, _, _ in units.asked} <= {1, 2, 3, 4}


def test_a_line_is_tried_at_each_speed_and_a_network_once() -> None:
    assert [line.baud for line in settings_to_try(LINE, [9600, 19200])] == [9600, 19200]
    assert len(settings_to_try(parse_line("tcp://127.0.0.1:502"), [9600, 19200])) == 1


def test_an_own_overlay_counts_before_the_base_that_fits_as_well() -> None:
    def named(*fits: tuple[str, float]) -> str | None:
        return FoundUnit(LINE, 1, tuple(ProfileFit(*each) for each in fits)).profile

    assert named(("midea-mthermal", 0.99), ("own/badge.toml", 0.99)) == "own/badge.toml"
    assert named(("midea-mthermal", 0.99), ("own/badge.toml", 0.5)) == "midea-mthermal"
    assert named(("own/a.toml", 0.9), ("own/b.toml", 0.9)) is None
    assert named(("phnix", 0.4)) is None


def test_a_value_that_rests_while_its_neighbours_move_is_named() -> None:
    def moved(supply_c: float, step: int, outdoor_c: float = 4.0) -> dict[str, float]:
        water = {"supply_c": supply_c, "return_c": 28.0 + step, "discharge_c": 52.0 + 3 * step}
        return water | {"outdoor_c": outdoor_c}

    assert never_moves([moved(35.0, step) for step in range(4)]) == ("supply_c",)
    assert never_moves([moved(35.0 + step, step) for step in range(4)]) == ()
    assert never_moves([moved(35.0, 0) for _ in range(4)]) == ()
    assert never_moves([]) == ()
