"""The test vectors of the gateway's decoder, encoded back from their readings.

A vector's frame also holds words that do not follow from its reading; those stand in `free`, with
their bits.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from simulators.registers.brands import MAPS
from simulators.registers.image import Image, UnitReading
from simulators.unit.quirks import Quirks
from simulators.unit.variants import varied
from wire.points import State

VECTORS = {
    path.stem: path for path in (Path(__file__).parents[3] / "golden" / "readings").glob("*.json")
}
ALL = 0xFFFF
WHOLE: Quirks = {"whole_degrees": 1}


@dataclass(frozen=True)
class Case:
    """The settings and fittings that the reading of a vector leaves open, and its `free` words."""

    free: Mapping[str, int] = field(default_factory=dict)
    quirks: Quirks = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    room_target_c: float = 20.0
    unfitted: frozenset[str] = frozenset()
    room_controlled: bool = False
    curve_c: float | None = None
    state: State | None = None


NO_ROOM_NO_TANK = frozenset(("room_c", "tank_c"))
# Midea: b4 of 128 tells the remote switch, b12 of 129 the alarm, 105 is the plate's outlet, 190
# another R290 unit.
MIDEA_FREE = {"105": ALL, "111": ALL, "128": 1 << 4, "129": 1 << 12, "190": ALL}
# Haier: the set speed, one hertz below the actual one, and saturation temperatures, which the
# vectors leave at 0.
HAIER_FREE = {"244": 0xFF00, "247": 0x00F0, "251": 0xFF00}
# PHNIX: outputs that the vectors leave dark: fan, valve, heating pump and alarm.
PHNIX_FREE = {"2019": 0b0010_0100_0000_0100}
CASES = {
    "chofu-error": Case(values={"setpoint_c": 45.0}, room_target_c=20.5, room_controlled=True),
    "chofu-heating": Case(),
    # the heater's second set instead of its first
    "gree-defrost": Case({"coil:171": 1, "coil:172": 1}),
    "gree-weather-curve": Case(values={"setpoint_c": 45.0}, curve_c=38.2),
    "gree-whole-degrees": Case(
        {"128": ALL, "129": ALL},  # left over in words whose sensors are not fitted
        WHOLE,
        {
            "setpoint_c": 45.0, "supply_c": 41.0, "return_c": 36.0, "outdoor_c": -5.0,
            "discharge_c": 70.0, "coil_c": -11.0, "suction_c": -20.0,
        },
        unfitted=NO_ROOM_NO_TANK,
        room_controlled=True,
    ),
    "haier-defrost": Case(HAIER_FREE),
    # tank: not simulated
    "haier-states": Case(HAIER_FREE | {"101": 1 << 7, "141": 1 << 9}, state="heating"),
    "midea-live-r290": Case(MIDEA_FREE, WHOLE, unfitted=NO_ROOM_NO_TANK),
    # Its second error table is not that of the simulated firmware; an error number without meaning
    # is none of ours.
    "midea-r32-off": Case(
        MIDEA_FREE | {"124": ALL, "188": ALL, "199": ALL},
        {**WHOLE, "whole_kwh": 1},
        unfitted=NO_ROOM_NO_TANK,
    ),
    "midea-room-controlled": Case(
        MIDEA_FREE,
        WHOLE,
        {"setpoint_c": 35.0},
        20.5,
        unfitted=NO_ROOM_NO_TANK,
        room_controlled=True,
    ),
    "midea-tenths-defrost": Case(MIDEA_FREE, unfitted=frozenset(("room_c",))),
    "phnix-defrost": Case(PHNIX_FREE),
    # a bit that the document does not name
    "phnix-high-pressure": Case(PHNIX_FREE | {"2089": 1 << 7}),
    "solareast-defrost": Case(values={"fan_rpm": 640.0}),
    "solareast-system-2": Case({"0": 1 << 13, "772": ALL}),  # stopped by fault; mode floor heating
}  # fmt: skip


def encoded(case: Case, vector: Mapping[str, Any]) -> Image:
    expected = vector["expected"]
    brand = varied(MAPS[vector["profile"]], case.quirks)
    reading = UnitReading(
        case.state or expected["state"],
        tuple(code for code in expected["faults"] if code in brand.faults),
        {**expected["values"], **case.values},
        frozenset(expected["bad"]) - case.unfitted - case.values.keys(),
        case.room_target_c,
        case.unfitted,
        case.room_controlled,
        case.curve_c,
    )
    return brand.image(reading)


def test_every_vector_is_held_to() -> None:
    assert CASES.keys() == VECTORS.keys()


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_encoder_makes_the_frame_of_the_vector(name: str) -> None:
    case, vector = CASES[name], json.loads(VECTORS[name].read_text(encoding="utf-8"))
    words = {f"{table}:{at}": word for (table, at), word in encoded(case, vector).words.items()}
    differing = {}
    for key, word in vector["registers"].items():
        made = words.get(key if ":" in key else f"holding:{key}", 0)
        if (made ^ word) & ~case.free.get(key, 0):
            differing[key] = (made, word)
    assert differing == {}
    assert sum(mask.bit_count() for mask in case.free.values()) < 0.25 * 16 * len(
        vector["registers"]
    )
