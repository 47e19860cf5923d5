"""The registers and writes of each brand, by its own document."""

from collections.abc import Mapping

import pytest

from simulators.registers.brands import MAPS
from simulators.registers.brands.chofu_grant import CHOFU_GRANT
from simulators.registers.brands.gree_versati import GREE_VERSATI
from simulators.registers.brands.haier_yr_e27 import HAIER_YR_E27
from simulators.registers.brands.midea_mthermal import ERRORS, MIDEA_MTHERMAL
from simulators.registers.brands.phnix import PHNIX
from simulators.registers.brands.solareast_oem import SOLAREAST_OEM
from simulators.registers.fields import Contents, RegisterRef, Table
from simulators.registers.image import Image, UnitReading, code_for
from simulators.registers.refusals import RefusedError
from simulators.registers.register_map import RegisterMap
from simulators.registers.writes import Write, WrittenSettings
from simulators.unit.variants import varied
from wire.points import State

# The live R290 unit of docs/domain/profile-midea-mthermal.md, at 1 °C resolution: the registers it
# showed.
LIVE = {
    100: 29,
    102: 450,
    103: 80,
    104: 28,
    105: 32,
    108: 52,
    109: 3,
    116: 1350,
    117: 430,
    118: 3,
    119: 223,
}
LIVE |= {
    134: 37,
    138: 107,
    143: 0,
    144: 31718,
    145: 1,
    146: 49471,
    148: 348,
    150: 87,
    151: 401,
    164: 363,
}
LIVE_READING = UnitReading(
    "heating",
    (),
    {
        "compressor_hz": 29.0,
        "fan_rpm": 450.0,
        "exv_steps": 80.0,
        "return_c": 28.0,
        "supply_c": 32.0,
        "outdoor_c": 4.0,
        "discharge_c": 52.0,
        "suction_c": 3.0,
        "high_bar": 13.5,
        "low_bar": 4.3,
        "current_a": 3.0,
        "voltage_v": 223.0,
        "flow_lpm": 1.07 * 1000 / 60,
        "energy_kwh": 317.18,
        "heat_kwh": 1150.07,
        "heat_w": 3484.0,
        "power_w": 869.0,
        "setpoint_c": 35.0,
    },
)
WHOLE = varied(MIDEA_MTHERMAL, {"whole_degrees": 1})
STATES: tuple[State, ...] = ("off", "standby", "heating", "defrost")


def words(image: Image, *addresses: int, table: Table = "holding") -> tuple[int, ...]:
    return tuple(image.words.get(RegisterRef(table, address), 0) for address in addresses)


def coils(image: Image, *addresses: int) -> tuple[int, ...]:
    return words(image, *addresses, table="coil")


def shown(
    brand: RegisterMap, state: State = "heating", values: Mapping[str, float] | None = None
) -> Image:
    return brand.image(UnitReading(state, (), {"setpoint_c": 45.0} | dict(values or {})))


def written(
    brand: RegisterMap, function: int, address: int, *values: int, image: Image | None = None
) -> dict[str, float]:
    return dict(carried_out(brand, Write(function, address, values), image).settings)


def carried_out(brand: RegisterMap, write: Write, image: Image | None = None) -> WrittenSettings:
    contents = Contents(dict((image or shown(brand)).words))
    return brand.writes.carry_out(contents, write)


def refusal(brand: RegisterMap, function: int, address: int, *values: int) -> int:
    with pytest.raises(RefusedError) as caught:
        carried_out(brand, Write(function, address, values))
    return caught.value.code


def test_the_live_midea_sample() -> None:
    image = WHOLE.image(LIVE_READING)
    assert {address: image.words[RegisterRef("holding", address)] for address in LIVE} == LIVE
    assert image.values["energy_kwh"] == 317.18
    assert image.values["heat_kwh"] == 1150.07
    assert image.values["power_w"] == 870.0


def test_midea_errors_come_one_at_a_time() -> None:
    assert ERRORS["high_pressure:P1"] == 21
    assert len(set(ERRORS.values())) == len(ERRORS)
    for code, number in ERRORS.items():
        assert words(MIDEA_MTHERMAL.image(UnitReading("standby", (code,), {})), 124) == (number,)
    both = MIDEA_MTHERMAL.image(UnitReading("standby", ("high_pressure:P1", "fan:H6"), {}))
    assert both.faults == ("high_pressure:P1",)


def test_how_each_brand_shows_its_states() -> None:
    def told(brand: RegisterMap, *places: RegisterRef) -> list[tuple[int, ...]]:
        images = [shown(brand, state, {"pump": 1.0}) for state in STATES]
        return [tuple(image.words.get(place, 0) for place in places) for image in images]

    def holding(*addresses: int) -> list[RegisterRef]:
        return [RegisterRef("holding", address) for address in addresses]

    midea = told(MIDEA_MTHERMAL, *holding(0, 101, 128, 129))
    assert midea == [(0, 0, 16, 8), (3, 0, 16, 8), (3, 3, 16, 8), (3, 3, 18, 8)]
    assert told(PHNIX, *holding(2011, 2012, 2019)) == [
        (0, 1, 16),
        (1, 1, 16),
        (1, 1, 8209),
        (1, 2, 8209),
    ]
    solareast = told(SOLAREAST_OEM, *holding(0, 1, 0x1A))
    assert solareast == [
        (0, 0, 0),
        (1 << 12, 1 << 10, 0),
        (1 << 14, 1 << 10, 1),
        (0x4100, 1 << 10, 1),
    ]
    gree = told(GREE_VERSATI, *holding(117, 42), RegisterRef("coil", 80), RegisterRef("coil", 86))
    assert gree == [(8, 0x55, 0, 0), (2, 0xAA, 0, 0), (2, 0xAA, 1, 0), (2, 0xAA, 1, 1)]
    haier = told(HAIER_YR_E27, *holding(101, 141, 144))
    assert haier == [(0, 0, 512), (5, 0, 512), (5, 0, 512), (5, 1 << 13, 512)]
    chofu = told(CHOFU_GRANT, RegisterRef("input", 10), RegisterRef("input", 7))
    assert chofu == [(0, 35), (1, 35), (1, 35), (1, 35)]
    told_by = {
        name: [shown(brand, state).state_shown for state in STATES] for name, brand in MAPS.items()
    }
    assert told_by.pop("chofu-grant") == [True, True, False, False]
    assert all(all(states) for states in told_by.values())


@pytest.mark.parametrize(
    ("brand", "address", "table", "raw"),
    [
        *(
            (MIDEA_MTHERMAL, 114, "holding", 0x7FFF),
            (WHOLE, 114, "holding", 0x7F),
            (PHNIX, 2058, "holding", 0x7FFD),
        ),
        *((GREE_VERSATI, 129, "holding", 0x7FFF), (CHOFU_GRANT, 33, "input", 0)),
    ],
)
def test_what_an_open_room_sensor_shows(
    brand: RegisterMap, address: int, table: Table, raw: int
) -> None:
    image = brand.image(UnitReading("heating", (), {"supply_c": 40.0}, frozenset({"room_c"})))
    assert image.words[RegisterRef(table, address)] == raw
    assert "room_c" not in image.values


def test_packed_haier_numbers() -> None:
    values = {
        "supply_c": 41.5,
        "return_c": 36.2,
        "outdoor_c": -12.5,
        "discharge_c": 75.3,
        "suction_c": -20.1,
    }
    image = shown(
        HAIER_YR_E27, "heating", values | {"coil_c": -11.0, "voltage_v": 221.0, "current_a": 10.55}
    )
    assert words(image, 146, 147) == (0x0011, 0x6A9F)  # Twi 362 = 0x16A, Two 415 = 0x19F
    assert words(image, 252, 253, 254) == (0xF137, 0xFF83, 0x9200)
    assert words(image, 251)[0] & 0xFF == 0xF2
    assert words(image, 256) == (53 << 8 | 55,)
    assert image.values["voltage_v"] == 220.0


def test_pressures_stand_as_saturation_temperatures_too() -> None:
    values = {
        "high_bar": 13.503,
        "low_bar": 4.32,
    }  # the live unit of docs/domain/profile-midea-mthermal.md: 39 °C and -3 °C
    condensing = words(shown(SOLAREAST_OEM, values=values), 0x48) + words(
        shown(GREE_VERSATI, values=values), 124
    )
    evaporating = words(shown(SOLAREAST_OEM, values=values), 0x49) + words(
        shown(PHNIX, values=values), 2065
    )
    assert condensing == pytest.approx((390, 390), abs=10)
    assert [word - 0x10000 for word in evaporating] == pytest.approx([-30, -30], abs=5)


def test_thirty_two_bits_are_high_word_first() -> None:
    image = shown(PHNIX, "heating", {"energy_kwh": 70_000.4})
    assert words(image, 2078, 2079) == (1, 70_000 - 65_536)
    assert image.values["energy_kwh"] == 70_000.0


@pytest.mark.parametrize("brand", [PHNIX, SOLAREAST_OEM, GREE_VERSATI])
def test_every_fault_of_a_brand_with_bits_is_one_bit(brand: RegisterMap) -> None:
    idle = brand.image(UnitReading("standby", (), {})).words
    alarm = {
        RegisterRef("holding", 2019),
        RegisterRef("holding", 0),
    }  # the general alarm, which any fault lights
    for code, (place, _) in brand.faults.items():
        lit = brand.image(UnitReading("standby", (code,), {})).words
        changed = {
            at: idle.get(at, 0) ^ word for at, word in lit.items() if idle.get(at, 0) != word
        }
        assert {at: bits for at, bits in changed.items() if at not in alarm} == {
            place.ref: 1 << place.shift
        }


def test_errors_that_are_numbers() -> None:
    haier = HAIER_YR_E27.image(UnitReading("defrost", ("other:141.17",), {}))
    assert words(haier, 141) == (0x2011,)
    chofu = CHOFU_GRANT.image(UnitReading("off", ("other:21.32833",), {}))
    assert words(chofu, 21, 22, table="input") == (0x8041, 0x7E7D)
    assert words(CHOFU_GRANT.image(UnitReading("off", (), {})), 21, table="input") == (0x7E7D,)


ALL_TABLES = ("input", "holding", "coil", "discrete")
# Reads of holding registers by first register and count: those that a brand answers, and others.
HOLDING_READS = (
    (MIDEA_MTHERMAL, True, ((100, 40), (190, 10), (0, 23), (203, 1), (290, 1))),
    (MIDEA_MTHERMAL, False, ((100, 41), (195, 10), (22, 2), (203, 2), (291, 1))),
    (PHNIX, True, ((2001, 90), (2045, 90), (2180, 1), (1001, 90), (1540, 1))),
    (PHNIX, False, ((2001, 91), (2181, 1), (1541, 1), (1530, 12), (5, 1))),
    (SOLAREAST_OEM, True, ((0, 99), (0x300, 99), (0x206, 1))),
    (SOLAREAST_OEM, False, ((0, 100), (0x207, 1), (0x363, 2))),
    (GREE_VERSATI, True, ((117, 21),)),
    (GREE_VERSATI, False, ((43, 2),)),
    (HAIER_YR_E27, True, ((101, 6), (141, 16), (201, 1), (241, 22))),
    (HAIER_YR_E27, False, ((101, 5), (102, 5), (141, 1), (241, 23))),
)


@pytest.mark.parametrize(
    ("brand", "table", "address", "count", "answered"),
    [
        *(
            (brand, "holding", address, count, answered)
            for brand, answered, reads in HOLDING_READS
            for address, count in reads
        ),
        (SOLAREAST_OEM, "coil", 0x1000, 30, True),
        (SOLAREAST_OEM, "input", 0, 1, False),
        (GREE_VERSATI, "coil", 0, 199, True),
        (GREE_VERSATI, "coil", 198, 2, False),
        *((CHOFU_GRANT, table, 0, 127, True) for table in ALL_TABLES),
        *((CHOFU_GRANT, table, 126, 2, False) for table in ALL_TABLES),
    ],
)
def test_a_brand_answers_only_the_reads_it_knows(
    brand: RegisterMap, table: Table, address: int, count: int, answered: bool
) -> None:
    if answered:
        brand.reads.check(table, address, count)
        return
    with pytest.raises(RefusedError):
        brand.reads.check(table, address, count)


def test_midea_takes_set_points_in_both_places_and_within_the_limits() -> None:
    assert written(MIDEA_MTHERMAL, 6, 11, 450) == {"setpoint_c": 45.0}
    assert written(MIDEA_MTHERMAL, 6, 2, 90) == {"setpoint_c": 45.0}
    assert written(MIDEA_MTHERMAL, 16, 3, 41) == {"room_target_c": 20.5}
    assert written(MIDEA_MTHERMAL, 6, 0, 0) == {"switched_on": 0.0}
    assert written(MIDEA_MTHERMAL, 6, 0, 1) == {"switched_on": 1.0, "room_controlled": 1.0}
    assert written(WHOLE, 6, 11, 45) == {"setpoint_c": 45.0}
    assert (refusal(MIDEA_MTHERMAL, 6, 11, 5_000), refusal(MIDEA_MTHERMAL, 6, 110, 1)) == (3, 2)
    assert carried_out(MIDEA_MTHERMAL, Write(6, 232, (0x10000 - 25,))).kept == {
        RegisterRef("holding", 232): 0x10000 - 25
    }


def test_phnix_takes_whole_words_by_fc_16_only() -> None:
    assert written(PHNIX, 16, 1158, 400) == {"setpoint_c": 40.0}
    assert written(PHNIX, 16, 1011, 0) == {"switched_on": 0.0}
    assert refusal(PHNIX, 6, 1011, 0) == 1
    assert refusal(PHNIX, 16, 2046, 1) == 2


def test_solareast_switches_and_resets_by_register_and_by_coil() -> None:
    assert written(SOLAREAST_OEM, 6, 0x301, 420) == {"setpoint_c": 42.0}
    assert written(SOLAREAST_OEM, 5, 0x1000, 0) == {"switched_on": 0.0}
    assert written(SOLAREAST_OEM, 6, 0x330, 1 << 13) == {"factory_reset": 1.0}
    assert written(SOLAREAST_OEM, 5, 0x101D, 1) == {"factory_reset": 1.0}
    assert refusal(SOLAREAST_OEM, 6, 0x50, 1) == 2


def test_gree_obeys_aa_and_55_and_a_mode_only_while_off() -> None:
    for word, asked in (
        (0xAA, {"switched_on": 1.0}),
        (0x55, {"switched_on": 0.0}),
        (1, {}),
        (0, {}),
    ):
        assert written(GREE_VERSATI, 16, 42, word) == asked
    mode = Write(16, 2, (4,))
    assert carried_out(GREE_VERSATI, mode).kept == {}
    assert carried_out(GREE_VERSATI, mode, shown(GREE_VERSATI, "off")).kept == {
        RegisterRef("holding", 2): 4
    }
    assert written(GREE_VERSATI, 15, 22, 1) == {"curve": 1.0}
    assert refusal(GREE_VERSATI, 6, 10, 40) == 1
    assert refusal(GREE_VERSATI, 15, 94, 1) == 2


def test_haier_takes_the_whole_block_and_what_its_command_is_about() -> None:
    water, power = (0x0405, 0x511E, 0, 0, 0, 0x6000), (0x0104, 0x511E, 0, 0, 0, 0x6000)
    assert written(HAIER_YR_E27, 16, 101, *water) == {"setpoint_c": 40.5}
    assert written(HAIER_YR_E27, 16, 101, *power) == {"switched_on": 0.0}
    assert written(HAIER_YR_E27, 16, 101, 0x8605, *water[1:]) == {}
    assert refusal(HAIER_YR_E27, 16, 102, 0x511E) == 2
    assert refusal(HAIER_YR_E27, 6, 102, 0x511E) == 1


def test_chofu_takes_nothing_until_modbus_is_enabled() -> None:
    assert written(CHOFU_GRANT, 16, 2, 425) == {}
    enabling = carried_out(CHOFU_GRANT, Write(5, 22, (1,)))
    image = CHOFU_GRANT.image(UnitReading("heating", (), {}), enabling.kept)
    assert written(CHOFU_GRANT, 16, 2, 425, image=image) == {"setpoint_c": 42.5}
    assert written(CHOFU_GRANT, 5, 7, 0, image=image) == {"room_controlled": 1.0}
    assert refusal(CHOFU_GRANT, 6, 127, 1) == 2


def test_a_fault_of_one_brand_means_the_same_kind_at_another() -> None:
    assert code_for("high_pressure:P1", MIDEA_MTHERMAL.fault_codes) == "high_pressure:P1"
    assert code_for("high_pressure:P1", PHNIX.fault_codes) == "high_pressure:2085.4"
    assert code_for("water_flow", MIDEA_MTHERMAL.fault_codes) == "water_flow:E8"
    assert code_for("discharge_high", PHNIX.fault_codes) is None
    assert (
        code_for("high_pressure:P1", HAIER_YR_E27.fault_codes) == "other:141.1"
    )  # numbers without meanings


@pytest.mark.parametrize("profile", sorted(MAPS))
def test_words_are_sixteen_bits_and_bits_are_bits(profile: str) -> None:
    registers = MAPS[profile]
    values = {
        "supply_c": -20.0,
        "heat_w": -4_000.0,
        "power_w": 900.0,
        "flow_lpm": 20.0,
        "setpoint_c": 45.0,
    }
    image = registers.image(UnitReading("defrost", tuple(registers.fault_codes), values))
    assert all(
        0 <= word <= (1 if place.table == "coil" else 0xFFFF) for place, word in image.words.items()
    )
    assert (
        image.values.get("heat_w", 0.0) == 0.0
    )  # no register has a sign; a defrosting unit shows no heat
