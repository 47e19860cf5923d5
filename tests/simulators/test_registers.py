import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.registers import MAPS
from simulators.registers.image import Quantity, RefusedError, UnitReading, code_for, read_words
from simulators.registers.midea_mthermal import ERRORS, NUMBERS, MideaMThermal
from simulators.registers.phnix import FAULTS, Phnix

# The live R290 unit of profile-midea-mthermal.md, at 1 °C resolution: the registers it showed.
LIVE = {100: 29, 102: 450, 103: 80, 104: 28, 105: 32, 108: 52, 109: 3, 116: 1350, 117: 430, 118: 3, 119: 223}
LIVE |= {134: 37, 138: 107, 143: 0, 144: 31718, 145: 1, 146: 49471, 148: 348, 150: 87, 151: 401, 164: 363}
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
    },
)


def test_the_live_midea_sample() -> None:
    image = MideaMThermal(tenths=False).image(LIVE_READING)
    assert {address: image.words[address] for address in LIVE} == LIVE
    assert image.values["energy_kwh"] == 317.18
    assert image.values["heat_kwh"] == 1150.07
    assert image.values["power_w"] == 870.0


def test_midea_resolution_switch() -> None:
    reading = UnitReading("heating", (), {"supply_c": 41.46, "outdoor_c": -7.26})
    whole, tenths = MideaMThermal(tenths=False).image(reading), MideaMThermal(tenths=True).image(reading)
    assert (whole.words[110], whole.words[107], whole.words[189] >> 8 & 1) == (41, 0x10000 - 7, 0)
    assert (tenths.words[110], tenths.words[107], tenths.words[189] >> 8 & 1) == (415, 0x10000 - 73, 1)
    assert whole.values["supply_c"] == 41.0
    assert tenths.values == {"supply_c": 41.5, "outdoor_c": -7.3}


@pytest.mark.parametrize(("tenths", "missing"), [(False, 0x7F), (True, 0x7FFF)])
def test_an_open_midea_sensor_shows_its_sentinel(tenths: bool, missing: int) -> None:
    image = MideaMThermal(tenths).image(UnitReading("heating", (), {"supply_c": 40.0}, frozenset({"room_c"})))
    assert image.words[114] == missing
    assert "room_c" not in image.values


def test_midea_errors_both_ways_and_one_at_a_time() -> None:
    assert ERRORS["high_pressure:P1"] == 21
    assert NUMBERS[9] == "water_flow:E8"
    assert len(NUMBERS) == len(ERRORS)
    for number, code in NUMBERS.items():
        assert MideaMThermal().image(UnitReading("standby", (code,), {})).words[124] == number
    both = MideaMThermal().image(UnitReading("standby", ("high_pressure:P1", "fan:H6"), {}))
    assert both.faults == ("high_pressure:P1",)


def test_midea_states() -> None:
    shown = {}
    for state in ("off", "standby", "heating", "defrost"):
        words = MideaMThermal().image(UnitReading(state, (), {"pump": 1.0})).words
        shown[state] = (words[0] & 0b11, words[101], words[128] >> 1 & 1, words[129] >> 3 & 1)
    assert shown == {"off": (0, 0, 0, 1), "standby": (3, 0, 0, 1), "heating": (3, 3, 0, 1), "defrost": (3, 3, 1, 1)}


def test_phnix_words_faults_and_sentinels() -> None:
    values = {"supply_c": 41.46, "power_w": 2349.0, "energy_kwh": 70_000.4, "flow_lpm": 20.0, "compressor_hz": 50.0}
    codes = ("high_pressure:2085.4", "sensor:2090.8")
    image = Phnix().image(UnitReading("defrost", codes, values, frozenset({"room_c"})))
    words = image.words
    assert (words[2046], words[2054], words[2077], words[2072]) == (415, 23, 120, 50)
    assert (words[2078], words[2079]) == (1, 70_000 - 65_536)
    assert (words[2085], words[2090], words[2058]) == (1 << 4, 1 << 8, 0x7FFD)
    assert (words[2011], words[2012], words[2019] & 1, words[2107]) == (1, 2, 1, 0x5AA5)
    assert image.faults == codes
    assert image.values["power_w"] == 2300.0


def test_every_phnix_fault_is_one_bit() -> None:
    for code, (register, bit) in FAULTS.items():
        words = Phnix().image(UnitReading("standby", (code,), {})).words
        lit = {(at, n) for at in range(2081, 2091) for n in range(16) if words.get(at, 0) >> n & 1}
        assert lit == {(register, bit)}


@pytest.mark.parametrize(
    ("address", "count", "refused"),
    [
        *((100, 40, False), (100, 41, True), (190, 10, False), (195, 10, True), (22, 2, True), (50, 1, True)),
        *((0, 23, False), (203, 1, False), (203, 2, True), (290, 1, False), (291, 1, True)),
    ],
)
def test_midea_answers_only_what_it_has(address: int, count: int, refused: bool) -> None:
    if not refused:
        MideaMThermal().check_read(address, count)
        return
    with pytest.raises(RefusedError) as caught:
        MideaMThermal().check_read(address, count)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("address", "count", "refused"),
    [
        *((2001, 90, False), (2011, 80, False), (2045, 90, False), (2001, 91, True), (2180, 1, False)),
        *((2181, 1, True), (1001, 90, False), (1540, 1, False), (1541, 1, True), (1530, 12, True), (5, 1, True)),
    ],
)
def test_phnix_is_silent_outside_its_packets(address: int, count: int, refused: bool) -> None:
    if not refused:
        Phnix().check_read(address, count)
        return
    with pytest.raises(RefusedError) as caught:
        Phnix().check_read(address, count)
    assert caught.value.code is None


def test_writes_reach_settings_and_nothing_else() -> None:
    midea, phnix = MideaMThermal(), Phnix()
    assert midea.settings_written(11, [450]) == {"setpoint_c": 45.0}
    assert midea.settings_written(3, [41]) == {"room_target_c": 20.5}
    assert phnix.settings_written(1158, [400]) == {"setpoint_c": 40.0}
    assert phnix.settings_written(1011, [0]) == {"switched_on": 0.0}
    for refused in ((11, [5000], 3), (110, [1], 2), (3, [41, 1], 2)):
        with pytest.raises(RefusedError) as caught:
            midea.settings_written(refused[0], refused[1])
        assert caught.value.code == refused[2]


def test_a_fault_of_one_brand_means_the_same_kind_at_another() -> None:
    assert code_for("high_pressure:P1", MideaMThermal.fault_codes) == "high_pressure:P1"
    assert code_for("high_pressure:P1", Phnix.fault_codes) == "high_pressure:2085.4"
    assert code_for("water_flow", MideaMThermal.fault_codes) == "water_flow:E8"
    assert code_for("other:EE", Phnix.fault_codes) is None


@given(
    value=st.floats(-500_000, 500_000_000, allow_nan=False),
    step=st.sampled_from([0.01, 0.1, 1.0, 10.0, 100.0]),
    words=st.sampled_from([1, 2]),
    signed=st.booleans(),
)
def test_a_register_holds_a_value_to_half_a_step_or_at_its_end(
    value: float, step: float, words: int, signed: bool
) -> None:
    quantity = Quantity("supply_c", 10, step, words, signed)
    registers = quantity.registers(value)
    assert sorted(registers) == list(range(10, 10 + words))
    assert all(0 <= word <= 0xFFFF for word in registers.values())
    bits = 16 * words
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if low * step <= value <= high * step:
        assert abs(quantity.held(value) - value) <= step * 0.5 + abs(value) * 1e-9 + 1e-6
    else:
        assert quantity.raw(value) in (low, high)


@pytest.mark.parametrize("profile", sorted(MAPS))
def test_words_are_sixteen_bits(profile: str) -> None:
    registers = MAPS[profile]()
    values = {"supply_c": -20.0, "heat_w": -4_000.0, "power_w": 900.0, "flow_lpm": 20.0}
    image = registers.image(UnitReading("defrost", registers.fault_codes[:1], values))
    assert all(0 <= word <= 0xFFFF for word in read_words(image, 0, 2_200))
    assert image.values["heat_w"] == 0.0  # the register has no sign; a defrosting unit shows no heat
