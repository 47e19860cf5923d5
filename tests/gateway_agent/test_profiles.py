"""Every shipped profile against a slave that serves its map; overlays; and mistakes that must not load."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.load import ConfigurationError, read_toml, validate
from gateway_agent.bus import Bus
from gateway_agent.cadence import Cadence
from gateway_agent.contradictions import contradictions
from gateway_agent.decode import decode
from gateway_agent.line import parse_line
from gateway_agent.observe import Onsets, observe
from gateway_agent.overlay import merge
from gateway_agent.places import Key
from gateway_agent.poll import Unit
from gateway_agent.profile import Profile
from gateway_agent.profiles import ProfileMissingError, check_removed, load_profile
from gateway_agent.sweep import Line
from tests.gateway_agent.slaves import TcpSlave, Units
from tests.gateway_agent.test_decode import PROFILE_DIRS, PROFILES, VECTORS, vector_registers
from tests.servers import wait_until

TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
HAIER_FRAMES = {(101, 6), (201, 1), (141, 16), (241, 22)}


def answers(function: int, address: int, count: int) -> bool:
    return True


# What each unit answers at all, from its document; what it refuses costs the test its values.
ANSWERED: dict[str, Callable[[int, int, int], bool]] = {
    "midea-mthermal": lambda function, address, count: (
        function == 3 and count < 47 and (address + count <= 23 or (address >= 100 and address + count <= 200))
    ),
    "solareast-oem": lambda function, address, count: function in (1, 3) and count < 100,
    "phnix": lambda function, address, count: function == 3 and count <= 90 and address >= 1011,
    "gree-versati": lambda function, address, count: function in (1, 3) and address + count <= 199,
    "haier-yr-e27": lambda function, address, count: function == 3 and (address, count) in HAIER_FRAMES,
    "chofu-grant": lambda function, address, count: address + count <= 127,
}


@dataclass
class MapOfTables(Units):
    """One unit with all four tables; what it is asked outside `answered` it does not answer."""

    contents: dict[Key, int] = field(default_factory=dict)
    answered: Callable[[int, int, int], bool] = answers

    def _tell(self, unit: int, request: bytes) -> bytes | None:
        function, address, count = request[0], int.from_bytes(request[1:3]), int.from_bytes(request[3:5])
        self.asked.append((unit, function, address, count))
        if not self.answered(function, address, count):
            return None
        words = [self.contents.get((TABLES[function], at), 0) for at in range(address, address + count)]  # type: ignore[arg-type]
        if function > 2:
            return bytes((function, 2 * count)) + b"".join(word.to_bytes(2) for word in words)
        bits = sum(bit << place for place, bit in enumerate(words))
        return bytes((function, (count + 7) // 8)) + bits.to_bytes((count + 7) // 8, "little")


@pytest.fixture
def slave() -> Iterator[TcpSlave]:
    made = TcpSlave(MapOfTables({}), mbap=False)
    yield made
    made.close()


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_slave_that_serves_the_map_is_polled_into_the_right_points(path: Path, slave: TcpSlave) -> None:
    vector = json.loads(path.read_text(encoding="utf-8"))
    slave.units = MapOfTables({}, contents=vector_registers(vector), answered=ANSWERED[vector["profile"]])
    line = parse_line(f"rtu+tcp://127.0.0.1:{slave.port}?baud=115200")
    bus = Bus(line)
    profile = PROFILES[vector["profile"]]
    seen = decode(profile, Unit("a", 1, profile, line).read(bus))
    bus.close()
    assert {"state": seen.state, "faults": seen.faults, "bad": seen.bad, "values": seen.values} == vector["expected"]
    touched = {at for _, _, first, count in slave.units.asked for at in range(first, first + count)}
    assert not any(at in gap for at in touched for gap in profile.read.forbidden)


def test_on_connect_is_written_once_when_a_unit_begins_to_answer_and_again_after_it_was_away() -> None:
    units = Units({1: {1: 40}})
    slave = TcpSlave(units)
    line = parse_line(f"tcp://127.0.0.1:{slave.port}")
    enable = {"address": 3032, "function": 6, "value": 1}
    document = {"profile": "p", "title": "t", "source": "s", "read": {"max_registers": 9, "timeout_ms": 60}}
    point, state = [{"point": "supply_c", "address": 1}], [{"state": "heating"}]
    profile = Profile.model_validate(document | {"point": point, "state": state, "on_connect": [enable]})
    sweeps = Line(Bus(line), [Unit("a", 1, profile, line)], Cadence(0.001, 0.001), lambda readings: None, lambda: 1)
    for dead in (set(), set(), {1}):
        units.dead = dead
        sweeps.sweep(threading.Event())
    assert len(units.written) == 1
    units.dead = set()

    def greeted_again() -> bool:
        sweeps.sweep(threading.Event())
        return len(units.written) > 1

    wait_until(greeted_again)
    sweeps.sweep(threading.Event())
    slave.close()
    assert units.written == [(1, 6, 3032, (1,))] * 2


def test_every_written_register_is_in_no_deny_list_and_every_bound_can_be_read() -> None:
    for name, profile in PROFILES.items():
        assert profile.write, name
        for rule in profile.write:
            assert not any(denied.covers(key) for denied in profile.deny for key in rule.written)
            tables = {table for (table, _), _ in profile.write_spans(rule)}
            assert tables <= {"coil", "discrete", "holding", "input"}


CHOFU = PROFILES["chofu-grant"]


def chofu(hz: int, supply: int, back: int, coil: int) -> dict[Key, int]:
    words = {10: 1, 1: hz, 9: supply, 0: back, 5: coil & 0xFFFF, 21: 0x7E7D}
    return {("input", address): words.get(address, 0) for address in range(35)}


def chofu_states(polls: list[tuple[int, int, int, int, int]]) -> list[str]:
    states: list[str] = []
    onsets: Onsets = {}
    for at_s, hz, supply, back, coil in polls:
        seen, onsets = observe(CHOFU, chofu(hz, supply, back, coil), onsets, at_s * 1_000)
        states.append(seen.state)
    return states


def test_a_defrost_without_a_flag_is_inferred_after_30_s_and_ends_at_once() -> None:
    polls = [(0, 60, 41, 36, -11), (15, 60, 35, 36, -11), (30, 60, 33, 36, -6), (45, 60, 32, 35, 0),
             (60, 60, 31, 34, 4), (75, 60, 36, 34, 3)]  # fmt: skip
    assert chofu_states(polls) == ["heating", "heating", "heating", "defrost", "defrost", "heating"]


def test_a_cold_start_is_no_defrost_since_the_coil_gets_colder() -> None:
    polls = [(at, 60, 25, 30, 5 - at // 15) for at in range(0, 120, 15)]
    assert set(chofu_states(polls)) == {"heating"}


def test_a_resting_compressor_or_a_long_silence_breaks_the_inference() -> None:
    assert set(chofu_states([(at, 0, 25, 30, at) for at in range(0, 120, 15)])) == {"standby"}
    assert chofu_states([(0, 60, 25, 30, -9), (900, 60, 25, 30, 3), (915, 60, 25, 30, 5), (930, 60, 25, 30, 6)]) == [
        "heating", "heating", "heating", "defrost",
    ]  # fmt: skip


def test_an_unread_register_neither_ends_nor_begins_an_inferred_defrost() -> None:
    onsets: Onsets = {}
    for at_s, coil in ((0, -9), (15, -5), (30, 0)):
        seen, onsets = observe(CHOFU, chofu(60, 25, 30, coil), onsets, at_s * 1_000)
    assert seen.state == "defrost"
    part = chofu(60, 25, 30, 2)
    del part[("input", 9)]
    seen, onsets = observe(CHOFU, part, onsets, 45_000)
    assert "state" in seen.bad
    seen, _ = observe(CHOFU, chofu(60, 25, 30, 4), onsets, 60_000)
    assert seen.state == "defrost"


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
    registers = dict.fromkeys((key for key, _ in base.spans()), 0) | {("holding", 118): 37, ("holding", 124): 200}
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
    vector = json.loads(next(path for path in VECTORS if path.stem == "gree-whole-degrees").read_text("utf-8"))
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
        ('base = "phnix"\n[[write]]\npoint = "setpoint_c"\naddress = 1200\nminimum = 20\nmaximum = 50', "write[0]"),
    ],
)
def test_mistakes_of_an_overlay_are_told_in_its_own_file_and_numbering(tmp_path: Path, text: str, key: str) -> None:
    path = write(tmp_path, "overlay", text)
    with pytest.raises(ConfigurationError) as error:
        load(path)
    assert [(problem.file, problem.key) for problem in error.value.problems] == [(path, key)]


JUNK = st.recursive(
    st.integers() | st.floats() | st.text() | st.booleans() | st.sampled_from(["supply_c", "holding"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["point", "address", "table", "kinds", "codes", "when", "1"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
KEYS = st.sampled_from([*Profile.model_fields, "remove", "colour"])


@given(overlay=st.dictionaries(KEYS, JUNK, max_size=4))
def test_no_overlay_whatever_it_holds_ends_in_anything_but_named_mistakes(overlay: dict[str, Any]) -> None:
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
        ("width = 32\nmask = 0xFF", "point[0]"),
        ('when = [{ address = 1 }]', "point[0].when[0]"),
        ('when = [{ address = 1, rising = true }]', "point"),
        ('[[state]]\nstate = "off"\nfor_s = 30', "state"),
        ("[[deny]]\nfrom = 1\nto = 2", "deny[0].why"),
        ("[[on_connect]]\naddress = 1\nfunction = 3\nvalue = 1", "on_connect[0].function"),
        ('[[on_connect]]\naddress = 1\ntable = "coil"\nvalue = 1', "on_connect[0]"),
        ('[[on_connect]]\naddress = 1\nvalue = 1\n[[deny]]\nfrom = 0\nto = 5\nwhy = "x"', "on_connect[0]"),
        ('[[write]]\npoint = "setpoint_c"\naddress = 1\nmaximum = 50', "write[0].minimum"),
        ('[[write]]\npoint = "supply_c"\naddress = 1\nminimum = 20\nmaximum = 50', "write[0]"),
        ('[[write]]\npoint = "setpoint_c"\naddress = 1\nminimum = 60\nmaximum = 50', "write[0]"),
        ('[[fault_flags]]\ntable = "holding"\nkinds = { 1 = "fan" }', "fault_flags[0].table"),
        ('[[fault_flags]]\ntable = "coil"\nkinds = { 1 = "fire" }', "fault_flags[0].kinds[1]"),
        ('[[fault_bits]]\naddress = 9\nkinds = { 16 = "fan" }', "fault_bits[0].kinds[16].[key]"),
        ('[[fault_bits]]\naddress = 9\nkinds = {}\n[[fault_bits]]\naddress = 9\nkinds = {}', "fault_bits"),
    ],
)  # fmt: skip
def test_what_a_profile_does_not_know_is_an_error_and_never_read_as_something_else(
    tmp_path: Path, more: str, key: str
) -> None:
    load(write(tmp_path, "good", MINIMAL))
    with pytest.raises(ConfigurationError) as error:
        load(write(tmp_path, "bad", MINIMAL + more + "\n"))
    assert key in {problem.key for problem in error.value.problems}


def test_a_name_that_is_no_profile() -> None:
    with pytest.raises(ProfileMissingError, match="gree-versati, haier-yr-e27, midea-mthermal"):
        load_profile("gree", PROFILE_DIRS)


def test_the_profile_and_the_overlay_of_the_guide_load(tmp_path: Path) -> None:
    guide = (PROFILE_DIRS[0].parents[1] / "docs" / "operator-guide.md").read_text(encoding="utf-8")
    blocks = [dedent("   " + block) for block in re.findall(r"```toml\n   (.*?)```", guide, re.DOTALL)]
    assert load(write(tmp_path, "my-brand", "\n".join(blocks))).profile == "my-brand"
    overlay = re.search(r"```toml\n(base = .*?)```", guide, re.DOTALL)
    assert overlay is not None
    assert "flow_lpm" not in load(write(tmp_path, "overlay", overlay[1])).points
