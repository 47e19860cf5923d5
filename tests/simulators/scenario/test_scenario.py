from pathlib import Path

import pytest

from configuration.load import ConfigurationError
from simulators.live.plant import Plant, UnknownFaultError
from simulators.registers.brands import MAPS
from simulators.scenario.events import effects
from simulators.scenario.scenario import QUIET, load_scenario
from tests.simulators.village import SCENARIOS, a_scenario

START = 1_795_302_812_000
MIDEA, PHNIX = MAPS["midea-mthermal"], MAPS["phnix"]


@pytest.mark.parametrize("units", [4, 5, 6, 60])
@pytest.mark.parametrize("profile", ["midea-mthermal", "phnix"])
def test_the_demo_shows_a_fault_and_a_low_room_within_half_a_minute(
    units: int, profile: str
) -> None:
    plant = Plant(
        load_scenario(SCENARIOS / "demo.toml"), [MAPS[profile]] * units, seed=1, now=START
    )
    seen: dict[str, int] = {}
    for elapsed in range(0, 120_000, 250):
        moment = plant.advance(elapsed, 0.25)
        for unit in range(units):
            reading = plant.reading(unit)
            for fault in reading.faults:
                seen.setdefault(fault.partition(":")[0], elapsed)
            if reading.values["room_c"] < 17.95:
                seen.setdefault("low room", elapsed)
                assert unit == 0
    assert seen["high_pressure"] == 15_000
    assert seen["water_flow"] == 45_000
    assert 15_000 <= seen["low room"] <= 30_000
    assert not any(
        code.startswith("water_flow") for codes in moment.effects.faults.values() for code in codes
    )


def test_nothing_happens_in_the_quiet_scenario() -> None:
    scenario = load_scenario(SCENARIOS / "quiet.toml")
    plant = Plant(scenario, [MIDEA] * 20, seed=5, now=START)
    for minute in range(0, 36 * 60, 5):
        moment = plant.advance(minute * 60_000, 300.0)
        columns = moment.columns
        assert columns["room_c"].min() >= 18.6
        assert columns["voltage_v"].min() >= 187.0
        assert columns["discharge_c"].max() <= 105.0
        assert moment.effects == effects((), 0)
    assert scenario.name == QUIET.name


def test_every_shipped_scenario_loads_and_runs() -> None:
    for path in SCENARIOS.glob("*.toml"):
        scenario = load_scenario(path)
        assert scenario.name == path.stem
        plant = Plant(scenario, [MIDEA, PHNIX], seed=1, now=START)
        assert plant.advance(600_000, 600.0).columns["room_c"].min() > 10.0


def test_events_begin_and_end_for_the_units_they_name(tmp_path: Path) -> None:
    scenario = a_scenario(
        tmp_path,
        """
        [[event]]
        at = "10s"
        lasts = "5s"
        unit = 2
        fault = "fan"
        [[event]]
        at = "12s"
        count = 2
        silent = true
        [[event]]
        at = "1s"
        lasts = "2s"
        unit = 5
        sensor_open = "room_c"
        """,
    )
    events = scenario.events(3)
    active = {at: effects(events, at) for at in (999, 1_000, 9_999, 10_000, 14_999, 15_000)}
    assert active[999] == effects((), 0)
    assert active[1_000].broken == {1: frozenset({"room_c"})}  # unit 5 of 3 is unit 2
    assert active[9_999].faults == {}
    assert active[10_000].faults == {1: ("fan",)}
    assert active[14_999].silent == {0, 1}
    assert active[15_000].faults == {}


def test_each_brand_shows_its_own_code(tmp_path: Path) -> None:
    scenario = a_scenario(tmp_path, '[[event]]\nat = "0s"\ncount = 2\nfault = "high_pressure:P1"\n')
    plant = Plant(scenario, [MIDEA, PHNIX, MIDEA], seed=1, now=START)
    plant.advance(1, 0.001)
    assert [plant.reading(unit).faults for unit in range(3)] == [
        ("high_pressure:P1",),
        ("high_pressure:2085.4",),
        (),
    ]


def test_a_fault_a_brand_cannot_show_is_refused(tmp_path: Path) -> None:
    scenario = a_scenario(tmp_path, '[[event]]\nat = "0s"\nunit = 1\nfault = "discharge_high"\n')
    with pytest.raises(UnknownFaultError, match="discharge_high"):
        Plant(scenario, [PHNIX], seed=1, now=START)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[event]]\nat = "1s"\nunit = 1\n', "event[0]"),
        ('[[event]]\nat = "1s"\nunit = 1\ncount = 2\nsilent = true\n', "event[0]"),
        ('[[event]]\nat = "1s"\nunit = 1\nfault = "nonsense"\n', "event[0]"),
        ('[[event]]\nat = "1s"\nunit = 1\nsensor_open = "nose_c"\n', "event[0]"),
        ("[[event]]\nat = 1\nunit = 1\nsilent = true\n", "event[0].at"),
        ("[house]\ninsulated = 1.0\n", "house.insulated"),
    ],
)
def test_a_mistake_is_named_with_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        a_scenario(tmp_path, text)
    assert [problem.key for problem in caught.value.problems] == [key]


def test_an_open_sensor_is_missing_and_a_stuck_pump_has_no_flow(tmp_path: Path) -> None:
    scenario = a_scenario(
        tmp_path,
        """
        [[event]]
        at = "0s"
        unit = 1
        sensor_open = "room_c"
        [[event]]
        at = "0s"
        unit = 1
        fault = "water_flow"
        """,
    )
    plant = Plant(scenario, [MIDEA], seed=1, now=START)
    plant.advance(1, 1.0)
    reading = plant.reading(0)
    assert "room_c" not in reading.values
    assert reading.broken == {"room_c"}
    assert (reading.values["flow_lpm"], reading.values["compressor_hz"], reading.state) == (
        0.0,
        0.0,
        "standby",
    )


def test_a_stuck_sensor_shows_what_it_showed_until_it_is_freed(tmp_path: Path) -> None:
    text = """
        [[event]]
        at = "1s"
        lasts = "1h"
        unit = 1
        cause = "sensor_stuck"
        point = "coil_c"
        """
    plant = Plant(a_scenario(tmp_path, text), [MIDEA] * 2, seed=1, now=START)
    plant.advance(1_000, 1.0)
    stuck, free = plant.reading(0).values["coil_c"], plant.reading(1).values["coil_c"]
    plant.advance(1_800_000, 1_800.0)
    assert plant.reading(0).values["coil_c"] == stuck
    assert plant.reading(1).values["coil_c"] != free
    plant.advance(3_700_000, 1_900.0)
    assert plant.reading(0).values["coil_c"] != stuck


def test_written_settings_change_the_unit() -> None:
    plant = Plant(QUIET, [MIDEA] * 2, seed=1, now=START)
    plant.change(1, {"switched_on": 0.0, "setpoint_c": 40.0})
    plant.advance(7_200_000, 7_200.0)
    assert plant.reading(1).state == "off"
    assert plant.reading(1).values["setpoint_c"] == 40.0
    assert plant.reading(0).state == "heating"
    plant.change(1, {"switched_on": 1.0})
    plant.advance(9_000_000, 1_800.0)
    assert plant.reading(1).state == "heating"
