"""What goes to the wire for a command: raw numbers, bounds of the encoding, blocks and untouched
bits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_agent.profile.decode import quantity, scale_of
from gateway_agent.profile.fields import WORD, Key
from gateway_agent.profile.schema import Profile
from gateway_agent.profile.writes import WriteRule
from tests.gateway_agent.profile.test_decode import PROFILES

RULES = [(name, profile, rule) for name, profile in PROFILES.items() for rule in profile.write]


def named(name: str, index: int = 0) -> tuple[Profile, WriteRule]:
    return PROFILES[name], PROFILES[name].write[index]


def test_haier_writes_its_whole_block_with_the_command_for_the_heating_set_point() -> None:
    profile, rule = named("haier-yr-e27")
    before = {101: 0x0005, 102: 0x3C1E, 103: 0x1234, 104: 0xABCD, 105: 0xFFEE, 106: 0x5000}
    contents: dict[Key, int] = {("holding", address): word for address, word in before.items()}
    assert rule.read_first == list(contents)
    raw = rule.raw(42.0, rule)
    assert raw == 84
    assert rule.words(raw, contents) == [0x0405, 0x541E, 0x1234, 0x000D, 0x00EE, 0x5000]
    assert (rule.first, rule.function) == (101, 16)
    after = contents | {("holding", 102): 0x541E}
    assert (
        quantity(
            profile, after, next(source for source in profile.point if source.point == "setpoint_c")
        )
        == 42
    )


def test_midea_writes_in_the_resolution_the_unit_says_it_has() -> None:
    profile, rule = named("midea-mthermal", 1)
    for flag, raw in ((0, 42), (1 << 8, 420)):
        scale = scale_of(profile, {("holding", 189): flag}, rule.scale, rule)
        assert scale is not None
        assert rule.raw(42.0, scale) == raw
    assert scale_of(profile, {}, rule.scale, rule) is None
    whole = scale_of(profile, {("holding", 189): 0}, rule.scale, rule)
    assert whole is not None
    assert rule.raw(42.5, whole) is None


def test_gree_settings_are_whole_degrees_and_chofu_takes_half_ones() -> None:
    _, gree = named("gree-versati", 1)
    assert (gree.raw(45.0, gree), gree.raw(45.5, gree)) == (45, None)
    _, chofu = named("chofu-grant", 1)
    assert (chofu.raw(42.5, chofu), chofu.raw(42.3, chofu)) == (425, None)
    assert [(place.table, place.address, place.value) for place in chofu.unlock] == [
        ("coil", 22, 1)
    ]


def test_codes_stand_for_values_that_are_no_numbers_on_the_unit() -> None:
    rule = WriteRule.model_validate(
        {
            "point": "setpoint_c",
            "address": 42,
            "codes": {"0": 0x55, "1": 0xAA},
            "minimum": 0,
            "maximum": 1,
        }
    )
    assert [rule.raw(value, rule) for value in (0.0, 1.0, 2.0, 0.5)] == [0x55, 0xAA, None, None]
    assert [rule.value_in(word, rule) for word in (0x55, 0xAA, 1)] == [0.0, 1.0, None]


@pytest.mark.parametrize("case", RULES, ids=lambda case: f"{case[0]}-{case[2].address}")
@given(data=st.data())
def test_what_is_written_reads_back_and_nothing_else_changes(
    case: tuple[str, Profile, WriteRule], data: st.DataObject
) -> None:
    _, profile, rule = case
    word = st.integers(0, WORD)
    contents = {key: data.draw(word) for key in rule.read_first}
    registers = {key: data.draw(word) for key, _ in profile.write_spans(rule)}
    scale = scale_of(profile, registers, rule.scale, rule)
    assert scale is not None
    value = data.draw(
        st.floats(rule.minimum, rule.maximum) | st.integers(int(rule.minimum), int(rule.maximum))
    )
    raw = rule.raw(value, scale)
    if raw is None:
        return
    words = rule.words(raw, contents)
    place = rule.address - rule.first
    assert all(0 <= each <= WORD for each in words)
    assert rule.raw_in(words[place]) == raw
    assert rule.value_in(words[place], scale) == pytest.approx(value, abs=1e-6)
    fixed = dict.fromkeys(range(rule.first, rule.first + len(words)), 0) | {rule.address: rule.mask}
    for part in rule.fixed:
        fixed[part.address] |= part.mask
    for offset, (key, before) in enumerate(contents.items()):
        assert (words[offset] ^ before) & ~fixed[key[1]] == 0


@given(value=st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_no_number_overflows_a_register(value: float) -> None:
    for _, _, rule in RULES:
        raw = rule.raw(value, rule)
        assert raw is None or 0 <= raw <= WORD
