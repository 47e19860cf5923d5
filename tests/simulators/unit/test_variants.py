"""The effects of quirks on a brand's registers and refusals."""

import pytest

from simulators.registers.brands import MAPS
from simulators.registers.fields import RegisterRef
from simulators.registers.image import Image, UnitReading
from simulators.registers.refusals import RefusedError
from simulators.registers.register_map import RegisterMap
from simulators.registers.writes import WRITE_REGISTER, WRITE_REGISTERS
from simulators.unit.variants import varied
from wire.points import State

VALUES = {
    "supply_c": 41.4,
    "outdoor_c": -7.26,
    "energy_kwh": 70_000.0,
    "heat_w": -2_000.0,
    "power_w": 900.0,
}


def with_quirk(profile: str, quirk: str, number: float = 1) -> RegisterMap:
    return varied(MAPS[profile], {quirk: number})


def image(
    brand: RegisterMap, state: State = "heating", broken: frozenset[str] = frozenset()
) -> Image:
    return brand.image(UnitReading(state, (), VALUES, broken))


def words(seen: Image, *addresses: int) -> tuple[int, ...]:
    return tuple(seen.words[RegisterRef("holding", address)] for address in addresses)


def refused(brand: RegisterMap, address: int, count: int) -> bool:
    try:
        brand.reads.check("holding", address, count)
    except RefusedError:
        return True
    return False


def test_resolution_switch() -> None:
    whole, tenths = (
        image(with_quirk("midea-mthermal", "whole_degrees")),
        image(MAPS["midea-mthermal"]),
    )
    assert words(whole, 110, 107, 189) == (41, 0x10000 - 7, 0)
    assert words(tenths, 110, 107, 189) == (414, 0x10000 - 73, 1 << 8)
    assert (whole.values["supply_c"], tenths.values["supply_c"]) == (41.0, 41.4)
    assert words(image(with_quirk("gree-versati", "whole_degrees")), 125, 118) == (41, 0x10000 - 7)


def test_word_order_and_scale_of_counters() -> None:
    assert words(image(MAPS["phnix"]), 2078, 2079) == (1, 4_464)
    assert words(image(with_quirk("phnix", "swapped_words")), 2078, 2079) == (4_464, 1)
    hundredths, whole = MAPS["midea-mthermal"], with_quirk("midea-mthermal", "whole_kwh")
    assert words(image(hundredths), 143, 144, 190) == (106, 53_184, 3)  # 7,000,000
    assert words(image(whole), 143, 144, 190) == (1, 4_464, 7)


def test_an_open_ambient_sensor_that_looks_real() -> None:
    shown = image(with_quirk("phnix", "ambient_minus_one"), broken=frozenset({"outdoor_c"}))
    assert words(shown, 2048) == (0xFFF6,)
    assert "outdoor_c" not in shown.values
    assert words(image(MAPS["phnix"], broken=frozenset({"outdoor_c"})), 2048) == (0x7FFD,)


@pytest.mark.parametrize(
    ("profile", "heat", "cop"), [("midea-mthermal", 148, 151), ("phnix", 2059, 2060)]
)
def test_nonsense_while_defrosting(profile: str, heat: int, cop: int) -> None:
    brand = with_quirk(profile, "defrost_nonsense")
    nonsense = image(brand, "defrost")
    assert words(nonsense, heat, cop) == (0xFFFF, 0xFFFF)
    assert "heat_w" not in nonsense.values
    assert words(image(brand), heat) == words(image(MAPS[profile], "defrost"), heat) == (0,)


@pytest.mark.parametrize("profile", sorted(MAPS))
def test_a_defrost_without_flag_looks_like_heating(profile: str) -> None:
    brand = with_quirk(profile, "defrost_unflagged")
    assert image(brand, "defrost").words == image(brand, "heating").words
    assert not image(brand, "defrost").state_shown
    flagged = image(MAPS[profile], "defrost").words != image(MAPS[profile], "heating").words
    assert flagged == (profile != "chofu-grant")


def test_how_refusals_are_answered() -> None:
    silent = {name: brand.refuses_in_silence for name, brand in MAPS.items()}
    assert {name for name, silence in silent.items() if silence} == {
        "solareast-oem",
        "phnix",
        "haier-yr-e27",
    }
    assert all(with_quirk(name, "silence").refuses_in_silence for name in MAPS)
    assert not any(with_quirk(name, "exception_2").refuses_in_silence for name in MAPS)


def test_shorter_reads_and_settings_one_at_a_time() -> None:
    assert [
        refused(with_quirk("phnix", "max_registers", 16), 2011, count) for count in (16, 17)
    ] == [False, True]
    assert refused(
        with_quirk("midea-mthermal", "max_registers", 99), 100, 41
    )  # the brand refuses sooner
    bulk = with_quirk("phnix", "bulk_config")
    assert (refused(bulk, 1157, 2), refused(bulk, 1157, 1), refused(bulk, 2045, 2)) == (
        True,
        False,
        False,
    )
    assert not refused(MAPS["phnix"], 1157, 2)


def test_write_functions_that_are_missing() -> None:
    midea = MAPS["midea-mthermal"].writes.functions
    assert with_quirk("midea-mthermal", "only_fc16").writes.functions == midea - {WRITE_REGISTER}
    assert with_quirk("midea-mthermal", "no_fc16").writes.functions == midea - {WRITE_REGISTERS}
