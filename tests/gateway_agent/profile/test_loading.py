"""Overlays, and mistakes that must not load."""

import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.load import ConfigurationError, read_toml, validate
from gateway_agent.profile.consistency import contradictions
from gateway_agent.profile.decode import decode
from gateway_agent.profile.loading import ProfileMissingError, check_removed, load_profile
from gateway_agent.profile.overlay import merge
from gateway_agent.profile.schema import Profile
from tests.gateway_agent.profile.test_decode import (
    PROFILE_DIRS,
    PROFILES,
    VECTORS,
    vector_registers,
)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def load(path: Path) -> Profile:
    return load_profile(str(path), PROFILE_DIRS)


OVERLAY = """
base = "midea-mthermal"
profile = "midea-tenths-of-amperes"
title = "a unit whose current is in tenths"
remove = ["flow_lpm"]
[read]
max_registers = 20
[[point]]
point = "current_a"
address = 118
divisor = 10
[[fault_codes]]
address = 124
codes = { 200 = "fan:X9" }
[[deny]]
from = 0
to = 2
why = "power"
"""


def test_an_overlay_changes_what_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    base, corrected = PROFILES["midea-mthermal"], load(write(tmp_path, "overlay", OVERLAY))
    assert set(base.points) - set(corrected.points) == {"flow_lpm"}
    assert corrected.read == base.read.model_copy(update={"max_registers": 20})
    assert corrected.state == base.state
    registers = dict.fromkeys((key for key, _ in base.spans()), 0) | {
        ("holding", 118): 37,
        ("holding", 124): 200,
    }
    registers |= {("holding", 144): 0, ("holding", 146): 0}
    seen = decode(corrected, registers)
    assert (seen.values["current_a"], seen.faults) == (3.7, ["fan:X9"])
    assert decode(corrected, registers | {("holding", 124): 21}).faults == ["high_pressure:P1"]
    assert len(corrected.deny) == len(base.deny) + 1


def test_an_overlay_of_an_overlay_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "first", OVERLAY)
    second = 'base = "first.toml"\nprofile = "second"\ntitle = "t"\nremove = ["fan_rpm"]\n'
    assert not {"flow_lpm", "fan_rpm"} & set(load(write(tmp_path, "second", second)).points)


def test_gree_in_whole_degrees_is_an_overlay_of_three_lines(tmp_path: Path) -> None:
    text = 'base = "gree-versati"\nprofile = "gree-whole"\n[[scale.temperature]]\n'
    vector = json.loads(
        next(path for path in VECTORS if path.stem == "gree-whole-degrees").read_text("utf-8")
    )
    seen = decode(load(write(tmp_path, "gree-whole", text)), vector_registers(vector))
    assert (seen.values["supply_c"], seen.values["outdoor_c"], seen.bad) == (41, -5, [])


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('base = "no-such"', "base"),
        ("base = 7", "base"),
        ('base = "overlay.toml"', "base"),
        ('base = "phnix"\nremove = ["freezer_c"]', "remove"),
        ('base = "phnix"\nremove = "room_c"', "remove"),
        ('base = "phnix"\n[[point]]\npoint = "room_c"\naddress = "2058"', "point[0].address"),
        (
            (
                'base = "phnix"\n[[write]]\npoint = "setpoint_c"\naddress = 1200\n'
                "minimum = 20\nmaximum = 50"
            ),
            "write[0]",
        ),
    ],
)
def test_mistakes_of_an_overlay_are_told_in_its_own_file_and_numbering(
    tmp_path: Path, text: str, key: str
) -> None:
    path = write(tmp_path, "overlay", text)
    with pytest.raises(ConfigurationError) as error:
        load(path)
    assert [(problem.file, problem.key) for problem in error.value.problems] == [(path, key)]


JUNK = st.recursive(
    st.integers()
    | st.floats()
    | st.text()
    | st.booleans()
    | st.sampled_from(["supply_c", "holding"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["point", "address", "table", "kinds", "codes", "when", "1"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
KEYS = st.sampled_from([*Profile.model_fields, "remove", "colour"])


@given(overlay=st.dictionaries(KEYS, JUNK, max_size=4))
def test_no_overlay_whatever_it_holds_ends_in_anything_but_named_mistakes(
    overlay: dict[str, Any],
) -> None:
    base = read_toml(PROFILE_DIRS[0] / "phnix.toml")
    path, problems = Path("overlay.toml"), []
    try:
        check_removed(overlay, base, path)
        contradictions(validate(merge(base, overlay), Profile, path))
    except ConfigurationError as error:
        problems = error.problems
    assert all(problem.key.split(".")[0].split("[")[0] in {*overlay, ""} for problem in problems)


MINIMAL = """
profile = "p"
title = "t"
source = "s"
[read]
max_registers = 20
[[state]]
state = "heating"
[[point]]
point = "supply_c"
address = 1
"""


TWO_KINDS = """
[[fault_codes]]
address = 9
codes = { 1 = "fan:E1" }
[[fault_bits]]
address = 10
codes = { 1 = "phase:E1" }
"""


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ('type = "float32"', "point[0].type"),
        ('data_type = "u16"', "point[0].data_type"),
        ("width = 64", "point[0].width"),
        ('width = "32"', "point[0].width"),
        ("signed = 1", "point[0].signed"),
        ('signed = "yes"', "point[0].signed"),
        ('word_order = "swapped"', "point[0].word_order"),
        ('table = "register"', "point[0].table"),
        ("mask = 0x0F0F", "point[0]"),
        ("factor = 0", "point[0].factor"),
        ('scale = "tenths"', "point[0].scale"),
        ("signed = true\nsentinels = [0xFFFF]", "point[0].sentinels"),
        ("signed = true\nsentinels = [-1]", "point[0].sentinels"),
        ("sentinels = [{ from = 90, to = 200 }]", "point[0].sentinels"),
        ("sentinels = [-300]", "point[0]"),
        ('when = [{ address = 1, in = [1], not_in = [2] }]', "point[0].when[0]"),
        ('when = [{ address = 1, not_in = [] }]', "point[0].when[0].not_in"),
        ('when = [{ address = 1, in = [1], or = [{ address = 2 }] }]', "point[0].when[0].or[0]"),
        ('[[fault_codes]]\naddress = 9\nprefix = "E-"', "fault_codes[0].prefix"),
        ('[[fault_flags]]\ntable = "coil"', "fault_flags[0]"),
        (TWO_KINDS, "fault_bits[0].codes"),
        ('encoding = "float32"', "point[0]"),
        ('encoding = "float64"', "point[0].encoding"),
        ('encoding = "bcd"\nsigned = true', "point[0]"),
        ('encoding = "bcd"\nmask = 0x003F', "point[0]"),
        ('combine = "least"', "point[0]"),
        ('combine = "mean"\nfurther = [{ address = 2 }]', "point[0].combine"),
        ('bits = [0]\nfurther = [{ address = 2 }]', "point[0]"),
        ('further = [{ address = 2, scale = "x" }]', "point[0].further[0].scale"),
        ("absent = [25]", "point[0].absent"),
        ('scale = "x"\n[[scale.x]]\nsentinels = [0x7F]\ndivisor = 10', "scale.x[0].sentinels"),
        ("width = 32\nmask = 0xFF", "point[0]"),
        ('when = [{ address = 1 }]', "point[0].when[0]"),
        ('when = [{ address = 1, rising = true }]', "point"),
        ('[[state]]\nstate = "off"\nfor_s = 30', "state"),
        ("[[deny]]\nfrom = 1\nto = 2", "deny[0].why"),
        ("[[on_connect]]\naddress = 1\nfunction = 3\nvalue = 1", "on_connect[0].function"),
        ('[[on_connect]]\naddress = 1\ntable = "coil"\nvalue = 1', "on_connect[0]"),
        ('[[on_connect]]\naddress = 1\nvalue = 1\n[[deny]]\nfrom = 0\nto = 5\nwhy = "x"',
         "on_connect[0]"),
        ("meter = true", "point[0].meter"),
        ("[[on_connect]]\naddress = 1", "on_connect[0]"),
        ("[[on_connect]]\naddress = 1\nvalue = 1\nvalues = [1]", "on_connect[0]"),
        ("[[on_connect]]\naddress = 1\nfunction = 6\nvalues = [1, 2]", "on_connect[0]"),
        ("[[on_connect]]\naddress = 0xFFFF\nvalues = [1, 2]", "on_connect[0]"),
        ('[[on_connect]]\naddress = 1\nvalues = [1, 2]\n[[deny]]\nfrom = 2\nto = 5\nwhy = "x"',
         "on_connect[0]"),
        ('[[write]]\npoint = "setpoint_c"\naddress = 1\nmaximum = 50', "write[0].minimum"),
        ('[[write]]\npoint = "supply_c"\naddress = 1\nminimum = 20\nmaximum = 50', "write[0]"),
        ('[[write]]\npoint = "setpoint_c"\naddress = 1\nminimum = 60\nmaximum = 50', "write[0]"),
        ('[[fault_flags]]\ntable = "holding"\nkinds = { 1 = "fan" }', "fault_flags[0].table"),
        ('[[fault_flags]]\ntable = "coil"\nkinds = { 1 = "fire" }', "fault_flags[0].kinds[1]"),
        ('[[fault_bits]]\naddress = 9\nkinds = { 16 = "fan" }', "fault_bits[0].kinds[16]"),
        ('[[fault_bits]]\naddress = 9\nkinds = {}\n[[fault_bits]]\naddress = 9\nkinds = {}',
         "fault_bits"),
    ],
)  # fmt: skip
def test_what_a_profile_does_not_know_is_an_error_and_never_read_as_something_else(
    tmp_path: Path, more: str, key: str
) -> None:
    load(write(tmp_path, "good", MINIMAL))
    with pytest.raises(ConfigurationError) as error:
        load(write(tmp_path, "bad", MINIMAL + more + "\n"))
    assert key in {problem.key for problem in error.value.problems}


INPUTS = MINIMAL.replace("max_registers = 20", 'max_registers = 20\ntable = "input"')
WRITE = '[[write]]\npoint = "setpoint_c"\naddress = 2\nminimum = 20\nmaximum = 50\n'


@pytest.mark.parametrize(
    ("key", "registers"),
    [
        ("requires", '[{ address = 4, in = [1], reason = "r"TABLE }]'),
        ("when", "[{ address = 4, in = [1]TABLE }]"),
        (
            "when",
            '[{ address = 3, in = [1], table = "coil", or = [{ address = 4, bit = 1TABLE }] }]',
        ),
        ("lower", "[{ address = 4TABLE }]"),
        ("upper", "[{ address = 4TABLE }]"),
    ],
)
def test_beside_a_write_no_register_of_an_input_map_stands_in_an_unsaid_table(
    tmp_path: Path, key: str, registers: str
) -> None:
    text = f"{INPUTS}{WRITE}{key} = {registers}\n"
    for table in ("holding", "input"):
        said = text.replace("TABLE", f', table = "{table}"')
        assert load(write(tmp_path, "good", said)).write[0].address == 2
    with pytest.raises(ConfigurationError) as error:
        load(write(tmp_path, "bad", text.replace("TABLE", "")))
    assert {problem.key for problem in error.value.problems} == {f"write[0].{key}"}


@pytest.mark.parametrize(
    "more",
    [
        "signed = true\nsentinels = [0x7FFF, 0x8000, -3000]\ndivisor = 10",
        "sentinels = [0xFFFF, { from = 96, to = 200 }]",
        'signed = true\nsentinels = [0xFFFF]\nsentinel_reason = "the maker says so"',
        'absent = [25]\nsentinel_reason = "the maker says so"',
    ],
)
def test_a_sentinel_outside_the_plausible_range_or_with_its_reason_is_right(
    tmp_path: Path, more: str
) -> None:
    assert load(write(tmp_path, "good", MINIMAL + more + "\n")).profile == "p"


def test_a_name_that_is_no_profile() -> None:
    with pytest.raises(ProfileMissingError, match="gree-versati, haier-yr-e27, midea-mthermal"):
        load_profile("gree", PROFILE_DIRS)


def test_the_profile_and_the_overlay_of_the_guide_load(tmp_path: Path) -> None:
    guide = (PROFILE_DIRS[0].parents[1] / "docs" / "operator-guide.md").read_text(encoding="utf-8")
    blocks = [
        dedent("   " + block) for block in re.findall(r"```toml\n   (.*?)```", guide, re.DOTALL)
    ]
    assert load(write(tmp_path, "my-brand", "\n".join(blocks))).profile == "my-brand"
    overlay = re.search(r"```toml\n(base = .*?)```", guide, re.DOTALL)
    assert overlay is not None
    assert "flow_lpm" not in load(write(tmp_path, "overlay", overlay[1])).points
