"""Registers to readings: golden vectors, every fault code, and no value where there is none."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_agent.bus.address import parse_line
from gateway_agent.polling.visit_plan import plan_visits
from gateway_agent.profile.decode import decode, holds
from gateway_agent.profile.fields import Key
from gateway_agent.profile.loading import load_profile
from gateway_agent.profile.schema import Profile
from gateway_agent.profile.timed_states import observe
from simulators.registers.brands import MAPS
from simulators.registers.fields import RegisterRef
from simulators.registers.image import UnitReading
from wire.decode import is_fault
from wire.points import POINTS, STATES

REPOSITORY = Path(__file__).parents[3]
PROFILE_DIRS = [REPOSITORY / "config" / "profiles"]
VECTORS = sorted((REPOSITORY / "tests" / "golden" / "readings").glob("*.json"))
PROFILES = {
    path.stem: load_profile(path.stem, PROFILE_DIRS)
    for path in sorted(PROFILE_DIRS[0].glob("*.toml"))
}


def wanted(profile: Profile) -> list[Key]:
    return sorted(
        {(table, first + i) for (table, first), count in profile.spans() for i in range(count)}
    )


def vector_registers(vector: dict[str, Any]) -> dict[Key, int]:
    """`{"9": 41}` is holding register 9, `{"coil:86": 1}` a bit of another table."""
    split = ((*key.rpartition(":"), raw) for key, raw in vector["registers"].items())
    return {(table or "holding", int(address)): raw for table, _, address, raw in split}


def test_every_shipped_profile_has_golden_vectors() -> None:
    assert {json.loads(path.read_text(encoding="utf-8"))["profile"] for path in VECTORS} == set(
        PROFILES
    )


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_golden_vector(path: Path) -> None:
    vector = json.loads(path.read_text(encoding="utf-8"))
    seen = decode(PROFILES[vector["profile"]], vector_registers(vector))
    assert {
        "state": seen.state,
        "faults": seen.faults,
        "bad": seen.bad,
        "values": seen.values,
    } == vector["expected"]


@pytest.mark.parametrize("name", sorted(MAPS.keys() & PROFILES.keys()))
@pytest.mark.parametrize("state", ["off", "standby", "heating", "defrost"])
def test_reads_what_an_independent_encoder_wrote(name: str, state: str) -> None:
    profile, registers = PROFILES[name], MAPS[name]
    values = dict.fromkeys(POINTS, 1.0) | {
        "supply_c": 41.5, "return_c": 36.2, "outdoor_c": -17.3, "suction_c": -21.4,
        "coil_c": -19.0, "tank_c": 48.0, "discharge_c": 75.3, "power_w": 2300.0, "heat_w": 6100.0,
        "energy_kwh": 50_123.0, "heat_kwh": 131_000.0, "voltage_v": 221.0,
        "flow_lpm": 21.0, "high_bar": 27.31, "low_bar": 4.6, "exv_steps": 180.0, "four_way": 0.0,
        "compressor_hz": 62.0 if state in ("heating", "defrost") else 0.0,
    }  # fmt: skip
    for code in (*registers.fault_codes, None):
        faults = (code,) if code is not None else ()
        image = registers.image(UnitReading(state, faults, values, frozenset({"room_c"})))  # type: ignore[arg-type]
        seen = decode(
            profile, {key: image.words.get(RegisterRef(*key), 0) for key in wanted(profile)}
        )
        assert (seen.faults, seen.bad) == (
            list(faults),
            ["room_c"] if "room_c" in profile.points else [],
        )
        assert seen.state == state or not image.state_shown
        assert seen.values == pytest.approx({point: image.values[point] for point in seen.values})
        assert set(image.values) - {"room_c"} == set(seen.values)


ADDRESSES = st.integers(0, 20)
TABLES = st.sampled_from(["coil", "discrete", "holding", "input"])
PLACES = st.fixed_dictionaries({"address": ADDRESSES}, optional={"table": TABLES})
MASKS = st.builds(
    lambda bits, shift: ((1 << bits) - 1 << shift) & 0xFFFF, st.integers(1, 16), st.integers(0, 15)
)
CONTENTS = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=3)
LIMITS = st.integers(-100, 100) | PLACES
PLAIN_CONDITIONS = st.one_of(
    st.builds(lambda place, values: place | {"in": values}, PLACES, CONTENTS),
    st.builds(lambda place, values: place | {"not_in": values}, PLACES, CONTENTS),
    st.builds(lambda place, bit: place | {"bit": bit}, PLACES, st.integers(0, 15)),
    st.builds(
        lambda place, low, high: place | {"above": low, "below": high}, PLACES, LIMITS, LIMITS
    ),
)
CONDITIONS = PLAIN_CONDITIONS | st.builds(
    lambda own, other: own | {"or": [other]},
    PLAIN_CONDITIONS,
    PLAIN_CONDITIONS,
)
SCALES = st.fixed_dictionaries(
    {}, optional={"divisor": st.sampled_from([2.0, 10.0]), "sentinels": CONTENTS}
)
PARTS = st.builds(lambda place, mask: place | {"mask": mask}, PLACES, MASKS)
SHAPES = st.one_of(
    st.fixed_dictionaries(
        {"width": st.just(32), "word_order": st.sampled_from(["high_first", "low_first"])}
    ),
    st.fixed_dictionaries(
        {"mask": MASKS, "then": st.lists(PARTS, max_size=3), "signed": st.booleans()}
    ),
    st.fixed_dictionaries({"scale": st.just("varying")}),
)
ENCODED = st.one_of(
    st.fixed_dictionaries({"signed": st.booleans()}),
    st.fixed_dictionaries({"encoding": st.sampled_from(["bcd", "sign_magnitude"])}),
    st.fixed_dictionaries({"encoding": st.just("float32"), "width": st.just(32)}),
)
FURTHER = st.builds(lambda place, form: [place | form], PLACES, ENCODED)
NUMBERS = ENCODED | st.builds(
    lambda form, further, combine: form | {"further": further, "combine": combine},
    ENCODED,
    FURTHER,
    st.sampled_from(["sum", "least", "greatest"]),
)
SOURCES = st.builds(
    lambda place, shape, scale, rest: place | ({} if "scale" in shape else scale) | shape | rest,
    PLACES, SHAPES | NUMBERS, SCALES,
    st.fixed_dictionaries({"point": st.sampled_from(sorted(POINTS))},
                          optional={"when": st.lists(CONDITIONS, max_size=2),
                                    "absent": st.just([25.0])}),
)  # fmt: skip
TIMED = st.fixed_dictionaries(
    {"state": st.just("defrost"), "for_s": st.just(30), "when": st.lists(CONDITIONS)}
)
RULES = (
    st.fixed_dictionaries(
        {"state": st.sampled_from(STATES), "when": st.lists(CONDITIONS, max_size=3)}
    )
    | TIMED
)
VARIANTS = st.lists(
    st.builds(lambda scale, when: scale | {"when": when}, SCALES, st.lists(CONDITIONS)),
    min_size=1,
    max_size=3,
)
DOCUMENTS = st.fixed_dictionaries(
    {
        "profile": st.just("any"), "title": st.just("any"), "source": st.just("any"),
        "read": st.just({"max_registers": 20}),
        "scale": st.fixed_dictionaries({"varying": VARIANTS}),
        "point": st.lists(SOURCES, min_size=1, max_size=6),
        "state": st.builds(lambda rules: [*rules, {"state": "off"}], st.lists(RULES, max_size=4)),
    }
)  # fmt: skip


@given(document=DOCUMENTS, data=st.data())
def test_any_profile_with_any_contents_accounts_for_every_point(
    document: dict[str, Any], data: st.DataObject
) -> None:
    profile = Profile.model_validate(document)
    read = data.draw(st.dictionaries(st.sampled_from(wanted(profile)), st.integers(0, 0xFFFF)))
    seen, onsets = observe(profile, read, {}, 0)
    assert seen.state in STATES
    assert all(POINTS[point].plausible(value) for point, value in seen.values.items())
    assert sorted({*seen.values, *seen.bad} - {"state", "faults"}) == sorted(
        point
        for point in profile.points
        if any(
            holds(profile, read, source.when) is not False
            for source in profile.point
            if source.point == point
        )
    )
    again, _ = observe(profile, read, onsets, 30_000)
    assert again.values == seen.values


@pytest.mark.parametrize("name", sorted(PROFILES))
@given(data=st.data())
def test_any_contents_give_a_valid_reading(name: str, data: st.DataObject) -> None:
    profile = PROFILES[name]
    keys = wanted(profile)
    read = data.draw(
        st.dictionaries(st.sampled_from(keys), st.integers(0, 0xFFFF), max_size=len(keys))
    )
    seen = decode(profile, read)
    assert seen.state in STATES
    assert all(is_fault(fault) for fault in seen.faults)
    assert not set(seen.values) & set(seen.bad)
    assert all(POINTS[point].plausible(value) for point, value in seen.values.items())
    for point in profile.points:
        sources = [source for source in profile.point if source.point == point]
        reported = point in seen.values or point in seen.bad
        # A point may be silent only where every source of it is switched off by a register that was
        # read.
        assert reported or all(holds(profile, read, source.when) is False for source in sources)
        if not any(profile.key(source) in read for source in sources):
            assert point not in seen.values


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_points_of_a_failed_block_are_bad_and_the_rest_is_kept(name: str) -> None:
    profile = PROFILES[name]
    registers = dict.fromkeys(wanted(profile), 1)
    whole = decode(profile, registers)
    for key in registers:
        seen = decode(profile, {other: raw for other, raw in registers.items() if other != key})
        assert {point: seen.values[point] for point in seen.values} == {
            point: value for point, value in whole.values.items() if point not in seen.bad
        }
        assert set(whole.values) <= set(seen.values) | set(seen.bad)


def test_an_unread_fault_register_is_said_and_not_taken_for_no_fault() -> None:
    profile = PROFILES["midea-mthermal"]
    registers = dict.fromkeys(wanted(profile), 0)
    del registers[("holding", 124)]
    assert "faults" in decode(profile, registers).bad
    registers = dict.fromkeys(wanted(profile), 0)
    del registers[("holding", 128)]
    assert "state" in decode(profile, registers).bad


def decoded(source: dict[str, Any], contents: dict[int, int], **tables: Any) -> float | None:
    """The only point of a profile, from holding registers with `contents`."""
    document = {"profile": "p", "title": "t", "source": "s", "read": {"max_registers": 20}}
    entry = {"address": 1, "point": "energy_kwh"} | source
    profile = Profile.model_validate(
        document | {"point": [entry], "state": [{"state": "off"}]} | tables
    )
    seen = decode(profile, {("holding", address): raw for address, raw in contents.items()})
    return seen.values.get(str(entry["point"]))


COIL = {"point": "coil_c", "signed": True}


def test_a_sentinel_is_raw_or_if_it_is_below_zero_the_number_itself() -> None:
    assert decoded(COIL, {1: 0xFFFF}) == -1
    assert decoded(COIL | {"sentinels": [0xFFFF]}, {1: 0xFFFF}) is None
    assert decoded(COIL | {"sentinels": [-1]}, {1: 0xFFFF}) is None
    assert decoded(COIL | {"sentinels": [-1]}, {1: 0xFFFE}) == -2
    assert decoded(COIL | {"sentinels": [{"from": -40, "to": -30}]}, {1: 0x10000 - 35}) is None
    assert decoded(COIL | {"sentinels": [{"from": -40, "to": -30}]}, {1: 0x10000 - 29}) == -29


@pytest.mark.parametrize("resolution", [0, 1 << 8])
@pytest.mark.parametrize("raw", [0xFFFE, 0xFFFF, 0, 1])
def test_the_coil_of_a_midea_near_zero_is_a_temperature(raw: int, resolution: int) -> None:
    profile = PROFILES["midea-mthermal"]
    registers = dict.fromkeys(wanted(profile), 0)
    registers |= {("holding", 189): resolution, ("holding", 106): raw}
    degrees = raw - 0x10000 if raw > 0x7FFF else raw
    assert decode(profile, registers).values["coil_c"] == degrees / (10 if resolution else 1)


FLOAT = {"width": 32, "encoding": "float32"}


@pytest.mark.parametrize(
    ("source", "contents", "value"),
    [
        (FLOAT, {1: 0x41D4, 2: 0x0000}, 26.5),
        (FLOAT | {"word_order": "low_first"}, {1: 0x0000, 2: 0x41D4}, 26.5),
        (FLOAT, {1: 0x41D2, 2: 0x6666}, 26.3),  # and not 26.299999
        (COIL | FLOAT | {"signed": False}, {1: 0xC141, 2: 0x999A}, -12.1),
        (FLOAT | {"factor": 1000.0, "point": "power_w"}, {1: 0x3FC0, 2: 0}, 1500),  # kW
        (FLOAT, {1: 0x7FC0, 2: 0}, None),  # not a number
        (FLOAT, {1: 0x7F80, 2: 0}, None),  # infinite
        (FLOAT, {1: 0x41D4}, None),
        (COIL | {"signed": False, "encoding": "sign_magnitude"}, {1: 0x800A}, -10),
        (COIL | {"signed": False, "encoding": "sign_magnitude"}, {1: 0x000A}, 10),
        (COIL | {"signed": False, "encoding": "sign_magnitude"}, {1: 0x8000}, 0),
        (
            COIL | {"signed": False, "encoding": "sign_magnitude", "mask": 0xFF},
            {1: 0x4485},
            -5,
        ),
        ({"encoding": "bcd"}, {1: 0x1234}, 1234),
        ({"encoding": "bcd", "width": 32, "divisor": 100.0}, {1: 0x0012, 2: 0x3456}, 1234.56),
        ({"encoding": "bcd"}, {1: 0x12A4}, None),  # no decimal digit
        ({"further": [{"address": 2, "factor": 1000.0}]}, {1: 417, 2: 12}, 12_417),
        ({"further": [{"address": 2, "factor": 1000.0}]}, {1: 417}, None),
        ({"point": "fan_rpm", "further": [{"address": 2}], "combine": "least"}, {1: 820, 2: 0}, 0),
        (
            {"point": "fan_rpm", "further": [{"address": 2}], "combine": "greatest"},
            {1: 820, 2: 790},
            820,
        ),
    ],
)
def test_a_number_in_the_form_that_its_unit_gives(
    source: dict[str, Any], contents: dict[int, int], value: float | None
) -> None:
    assert decoded(source, contents) == value


def test_a_counter_of_two_registers_is_never_read_in_two_requests() -> None:
    document = {
        "profile": "p", "title": "t", "source": "s", "read": {"max_registers": 2},
        "state": [{"state": "off"}],
        "point": [{"point": "energy_kwh", "address": 31,
                   "further": [{"address": 30, "factor": 1000.0}]},
                  {"point": "pump", "address": 29}],
    }  # fmt: skip
    requests = plan_visits(Profile.model_validate(document), parse_line("tcp://127.0.0.1:1"))
    assert [(each.address, each.count) for each in requests["read"]] == [(29, 1), (30, 2)]


def profile_of(**tables: Any) -> Profile:
    document = {"profile": "p", "title": "t", "source": "s", "read": {"max_registers": 20}}
    rest = {"point": [{"point": "supply_c", "address": 1}], "state": [{"state": "off"}]}
    return Profile.model_validate(document | rest | tables)


def faults(profile: Profile, contents: dict[Key, int]) -> list[str]:
    return decode(profile, contents).faults


def test_a_bit_has_the_code_of_the_panel_and_is_one_fault_with_the_code_it_mirrors() -> None:
    profile = profile_of(
        fault_codes=[{"address": 10, "codes": {"12": "high_pressure:E12"}, "prefix": "E"}],
        fault_bits=[{"address": 11, "codes": {"3": "high_pressure:E12"}, "kinds": {"4": "fan"}}],
        fault_flags=[{"table": "coil", "codes": {"5": "high_pressure:E12"}}],
    )
    none = {("holding", 10): 0, ("holding", 11): 0, ("coil", 5): 0}
    both = {("holding", 10): 12, ("holding", 11): 1 << 3, ("coil", 5): 1}
    assert faults(profile, none | both) == ["high_pressure:E12"]
    for key, raw in both.items():  # and any of them alone is that fault
        assert faults(profile, none | {key: raw}) == ["high_pressure:E12"]
    assert faults(profile, none | {("holding", 11): 1 << 4 | 1 << 7}) == ["fan:11.4", "other:11.7"]


@pytest.mark.parametrize(("digits", "fault"), [(1, "other:E7"), (2, "other:E07")])
def test_an_unlisted_code_reads_as_the_panel_shows_it(digits: int, fault: str) -> None:
    entry = {"address": 10, "prefix": "E", "digits": digits}
    assert faults(profile_of(fault_codes=[entry]), {("holding", 10): 7}) == [fault]
    assert faults(profile_of(fault_bits=[entry]), {("holding", 10): 1 << 7}) == [fault]


@pytest.mark.parametrize(("number", "code"), [(4, "E3"), (46, "H7"), (136, "L2")])
def test_both_error_tables_of_a_midea_are_one_fault(number: int, code: str) -> None:
    profile = PROFILES["midea-mthermal"]
    (panel,) = profile.fault_panel
    shown = panel.bands.index(code[0]) * len(panel.suffixes) + panel.suffixes.index(code[1]) + 1
    registers = dict.fromkeys(wanted(profile), 0)
    listed = faults(profile, registers | {("holding", 124): number})
    assert len(listed) == 1
    assert faults(profile, registers | {("holding", 188): shown}) == listed
    both = {("holding", 124): number, ("holding", 188): shown}
    assert faults(profile, registers | both) == listed


@pytest.mark.parametrize(
    ("condition", "contents", "verdict"),
    [
        ({"not_in": [1, 2]}, {1: 3}, True),
        ({"not_in": [1, 2]}, {1: 2}, False),
        ({"not_in": [0], "bit": 4}, {1: 1 << 4}, True),
        ({"not_in": [1, 2]}, {}, None),
        ({"in": [3], "or": [{"address": 2, "in": [5]}]}, {1: 3}, True),
        ({"in": [3], "or": [{"address": 2, "in": [5]}]}, {1: 4, 2: 5}, True),
        ({"in": [3], "or": [{"address": 2, "in": [5]}]}, {1: 4, 2: 6}, False),
        ({"in": [3], "or": [{"address": 2, "in": [5]}]}, {1: 4}, None),
        ({"above": 9, "or": [{"address": 2, "above": {"address": 3}}]}, {1: 0, 2: 8, 3: 7}, True),
    ],
)
def test_not_in_and_or(
    condition: dict[str, Any], contents: dict[int, int], verdict: bool | None
) -> None:
    rule = {"state": "heating", "when": [{"address": 1} | condition]}
    profile = profile_of(state=[rule, {"state": "off"}])
    registers: dict[Key, int] = {("holding", address): raw for address, raw in contents.items()}
    assert holds(profile, registers, profile.state[0].when) is verdict
    needed = {key for key, _ in profile.status_spans()}
    assert {("holding", address) for address in contents} <= needed


def test_bits_have_a_length_of_their_own() -> None:
    flags = [{"table": "coil", "kinds": {str(address): "other" for address in range(0, 300, 10)}}]
    line = parse_line("tcp://127.0.0.1:1")
    short = plan_visits(profile_of(fault_flags=flags), line)["status_poll"]
    long = {"max_registers": 20, "max_bits": 512}
    whole = profile_of(read=long, fault_flags=flags)
    assert max(request.count for request in short) <= 20
    assert [request.count for request in plan_visits(whole, line)["status_poll"]] == [291]
