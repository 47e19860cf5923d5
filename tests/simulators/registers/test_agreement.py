"""The encoders of the simulator and the profiles of the gateway, written apart, agree."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway_agent.profile.decode import Observation, decode
from gateway_agent.profile.loading import load_profile
from simulators.live.plant import Plant
from simulators.registers.brands import MAPS
from simulators.registers.image import Image
from simulators.scenario.scenario import QUIET

PROFILES = Path(__file__).parents[3] / "config" / "profiles"
UNITS = 6


def read(profile: str, image: Image) -> Observation:
    """The observation of the gateway from the whole image."""
    loaded = load_profile(profile, [PROFILES])
    keys = [(table, first + i) for (table, first), count in loaded.spans() for i in range(count)]
    return decode(loaded, {key: image.words.get(key, 0) for key in keys})


def agree(profile: str, image: Image) -> None:
    seen = read(profile, image)
    assert seen.values == pytest.approx(image.values)
    assert seen.state == image.state or (
        not image.state_shown and {seen.state, image.state} <= {"heating", "defrost"}
    )
    assert seen.faults == sorted(image.faults)


@pytest.mark.parametrize("profile", sorted(MAPS))
def test_what_the_registers_hold_is_what_the_gateway_reads(profile: str) -> None:
    registers = MAPS[profile]
    plant = Plant(QUIET, [registers] * UNITS, seed=3, now=1_795_302_812_000)
    for minute in range(0, 300, 20):
        plant.advance(minute, 1_200.0)
        for unit in range(UNITS):
            agree(profile, registers.image(plant.reading(unit)))


@pytest.mark.parametrize("profile", sorted(MAPS))
def test_faults_and_open_sensors_are_read_as_meant(profile: str) -> None:
    registers = MAPS[profile]
    reading = Plant(QUIET, [registers], seed=3, now=1_795_302_812_000).reading(0)
    stopped = replace(reading, state="standby", values={**reading.values, "compressor_hz": 0.0})
    for code in registers.fault_codes:
        agree(profile, registers.image(replace(stopped, faults=(code,))))
    shown = registers.image(reading).values
    for point in ("room_c", "outdoor_c", "supply_c", "return_c", "coil_c", "suction_c", "tank_c"):
        values = {name: value for name, value in reading.values.items() if name != point}
        image = registers.image(replace(reading, values=values, broken=frozenset({point})))
        agree(profile, image)
        assert read(profile, image).bad == ([point] if point in shown else [])


@pytest.mark.parametrize("profile", sorted(MAPS))
@pytest.mark.parametrize("room_controlled", [False, True])
@pytest.mark.parametrize("curve_c", [None, 38.2])
def test_the_set_point_is_that_of_whatever_rules(
    profile: str, room_controlled: bool, curve_c: float | None
) -> None:
    registers = MAPS[profile]
    reading = Plant(QUIET, [registers], seed=3, now=1_795_302_812_000).reading(0)
    rules = {setting.name for setting in registers.writes.settings}
    by_room = room_controlled and "room_controlled" in rules
    by_curve = curve_c if not by_room and "curve" in rules else None
    agree(profile, registers.image(replace(reading, room_controlled=by_room, curve_c=by_curve)))
