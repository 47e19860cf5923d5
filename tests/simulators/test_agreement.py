"""The simulator's encoders and the gateway's profiles, written apart from one another, must mean the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway_agent.decode import decode
from gateway_agent.profiles import load_profile
from simulators.plant import Plant
from simulators.registers import MAPS
from simulators.registers.image import Image, read_words
from simulators.scenario import QUIET

PROFILES = Path(__file__).parents[2] / "config" / "profiles"
UNITS = 6


def agree(profile: str, image: Image) -> None:
    registers = {("holding", address): word for address, word in enumerate(read_words(image, 0, 2_200))}
    decoded = decode(load_profile(profile, [PROFILES]), registers)
    assert decoded.values == pytest.approx(dict(image.values))
    assert decoded.state == image.state
    assert sorted(decoded.faults) == sorted(image.faults)


@pytest.mark.parametrize("profile", sorted(MAPS))
def test_what_the_registers_hold_is_what_the_gateway_reads(profile: str) -> None:
    registers = MAPS[profile]()
    plant = Plant(QUIET, [registers] * UNITS, seed=3, now=1_795_302_812_000)
    for minute in range(0, 300, 20):
        plant.advance(minute, 1_200.0)
        for unit in range(UNITS):
            agree(profile, registers.image(plant.reading(unit)))


@pytest.mark.parametrize("profile", sorted(MAPS))
def test_faults_and_open_sensors_are_read_as_meant(profile: str) -> None:
    registers = MAPS[profile]()
    reading = Plant(QUIET, [registers], seed=3, now=1_795_302_812_000).reading(0)
    for code in registers.fault_codes:
        agree(profile, registers.image(replace(reading, state="standby", faults=(code,))))
    for point in ("room_c", "outdoor_c", "supply_c"):
        values = {name: value for name, value in reading.values.items() if name != point}
        agree(profile, registers.image(replace(reading, values=values, broken=frozenset({point}))))
