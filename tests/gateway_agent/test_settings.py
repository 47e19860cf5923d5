"""Configuration and profiles: every mistake at once, with file and key."""

from pathlib import Path

import pytest

from configuration.load import ConfigurationError, load
from gateway_agent.bus.address import parse_line
from gateway_agent.polling.bus_budget import CheckReport, check_gateway
from gateway_agent.profile.loading import load_profile, load_profiles
from gateway_agent.profile.schema import Profile
from gateway_agent.settings import GatewaySettings
from hearthwatch.run.gateway_process import read_configuration

REPOSITORY = Path(__file__).parents[2]
PROFILE_DIRS = [REPOSITORY / "config" / "profiles"]
EXAMPLE = REPOSITORY / "config" / "examples" / "gateway.toml"


def keys(error: pytest.ExceptionInfo[ConfigurationError]) -> set[str]:
    return {problem.key for problem in error.value.problems}


def test_the_example_loads_and_fits() -> None:
    settings = load(EXAMPLE, GatewaySettings, {})
    report = check_gateway(
        settings, load_profiles(settings.profile_references(), PROFILE_DIRS, EXAMPLE), EXAMPLE
    )
    document = report.to_document()
    assert document["ok"] is True
    assert [device["device"] for device in document["lines"][0]["devices"]] == [
        "mtg-mt-0001",
        "mtg-mt-0002",
    ]
    assert all(0 < line["load"] < 0.2 for line in document["lines"])
    assert settings.journal.path == EXAMPLE.parent / "journal.db"


def crowded(file: Path, units: int, status_every: str) -> CheckReport:
    """The check of one 9600-baud line with so many units, read every 30 s."""
    devices = "".join(
        f'[[bus.device]]\nid = "u-{n}"\naddress = {n}\nprofile = "midea-mthermal"\n'
        for n in range(1, units + 1)
    )
    head = (
        EXAMPLE.read_text()
        .partition("[[bus]]")[0]
        .replace('status_every = "15s"', f'status_every = "{status_every}"')
    )
    file.write_text(f'{head}[[bus]]\nurl = "serial:///dev/ttyS1"\n{devices}')
    settings = load(file, GatewaySettings, {})
    return check_gateway(
        settings, load_profiles(settings.profile_references(), PROFILE_DIRS, file), file
    )


def test_a_line_that_cannot_keep_its_interval_is_a_problem_with_key(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    report = crowded(file, 70, "30s")
    assert [(problem.file, problem.key) for problem in report.problems] == [(file, "bus[0]")]
    assert "interval" in report.to_text()


def test_so_is_one_that_has_no_time_for_its_looks(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    assert not crowded(file, 32, "15s").problems
    assert not crowded(file, 40, "30s").problems
    report = crowded(file, 40, "15s")
    assert [problem.key for problem in report.problems] == ["bus[0]"]
    assert "lengthen `status_every`" in report.to_text()
    (line,) = report.to_document()["lines"]
    assert (line["look_interval_ms"], line["interval_ms"]) == (15_000, 30_000)
    assert line["busy_ms"] == pytest.approx(
        line["readings_ms"] + sum(each["look_ms"] for each in line["devices"]), abs=40
    )


def test_the_old_name_of_a_key_is_still_read_but_not_beside_the_new_one(tmp_path: Path) -> None:
    file, text = tmp_path / "gateway.toml", EXAMPLE.read_text()
    for name in ("look", "status_every"):
        file.write_text(text.replace('status_every = "15s"', f'{name} = "9s"'))
        assert load(file, GatewaySettings, {}).status_every == 9_000
        for variable in ("HEARTHWATCH_LOOK", "HEARTHWATCH_STATUS_EVERY"):
            assert load(file, GatewaySettings, {variable: "7s"}).status_every == 7_000
        file.write_text(text.replace('status_every = "15s"', f'{name} = "9"'))
        with pytest.raises(ConfigurationError) as error:
            load(file, GatewaySettings, {})
        assert keys(error) == {name}
    file.write_text(text.replace("status_every", 'look = "9s"\nstatus_every'))
    with pytest.raises(ConfigurationError) as error:
        load(file, GatewaySettings, {})
    assert keys(error) == {"look"}


def test_repeated_ids_addresses_and_lines_are_told_by_key(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    bus = """
[[bus]]
url = "tcp://10.0.0.1:502"
device = [
  { id = "a", address = 1, profile = "phnix" },
  { id = "b", address = 1, profile = "phnix" },
]
"""
    file.write_text(EXAMPLE.read_text().partition("[[bus]]")[0] + bus + bus)
    with pytest.raises(ConfigurationError) as error:
        load(file, GatewaySettings, {})
    assert keys(error) >= {
        "bus[0].device[1].address",
        "bus[1].device[0].id",
        "bus[1].device[1].id",
        "bus[1].url",
    }


@pytest.mark.parametrize(
    "url",
    ["/dev/ttyS1", "serial://ttyS1", "serial:///dev/x?bauds=9600", "serial:///dev/x?parity=X", "tcp://host",
     "tcp://h:502?baud=9600", "rtu+tcp://h:1/path", "serial:///dev/x?baud=fast", "serial:///dev/x?stop=3"],
)  # fmt: skip
def test_a_wrong_line_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="'"):
        parse_line(url)


def test_line_urls() -> None:
    line = parse_line("serial:///dev/ttyS1?baud=19200&parity=E&stop=1")
    assert (line.path, line.baud, line.parity, line.name) == (
        "/dev/ttyS1",
        19_200,
        "E",
        "serial:///dev/ttyS1",
    )
    assert line.character_s == pytest.approx(11 / 19_200)
    assert parse_line("rtu+tcp://10.1.2.3:8899").name == "rtu+tcp://10.1.2.3:8899"


@pytest.mark.parametrize("path", sorted(PROFILE_DIRS[0].glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_profile_loads_under_its_own_name(path: Path) -> None:
    profile = load_profile(path.stem, PROFILE_DIRS)
    assert profile.profile == path.stem
    assert {"supply_c", "return_c", "outdoor_c", "setpoint_c", "coil_c"} <= set(profile.points)
    assert {"off", "standby", "heating", "defrost"} <= {rule.state for rule in profile.state}
    assert profile.defrost == ("inferred" if path.stem == "chofu-grant" else "flag")


def test_all_mistakes_of_a_profile_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("""
profile = "wrong"
title = "wrong"
source = "none"
colour = "red"
[read]
max_registers = 300
[[point]]
point = "supply"
address = 1
[[point]]
point = "supply_c"
address = 70000
[[state]]
state = "sleeping"
[[fault_codes]]
address = 2
codes = { 1 = "pressure:P1", one = "sensor:E1" }
""")
    with pytest.raises(ConfigurationError) as error:
        load_profile(str(path), [])
    assert keys(error) == {
        "colour", "read.max_registers", "point[0]", "point[1].address", "state[0].state",
        "fault_codes[0].codes",
    }  # fmt: skip


def test_contradictions_inside_a_profile_are_told(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text("""
profile = "odd"
title = "odd"
source = "none"
[read]
slow = ["tank_c"]
max_registers = 10
forbidden = [{ from = 5, to = 9 }]
[[point]]
point = "supply_c"
address = 7
scale = "missing"
[[point]]
point = "supply_c"
address = 1
[[state]]
state = "heating"
when = [{ address = 1, bit = 0 }]
""")
    with pytest.raises(ConfigurationError) as error:
        load_profile(str(path), [])
    assert keys(error) == {"read.forbidden", "read.slow", "point[0].scale", "state", "point"}


def test_an_unknown_profile_names_the_known_ones_and_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(EXAMPLE.read_text().replace('profile = "phnix"', 'profile = "no-such"'))
    with pytest.raises(ConfigurationError, match="midea-mthermal, phnix, ") as error:
        load_profiles(load(file, GatewaySettings, {}).profile_references(), PROFILE_DIRS, file)
    assert str(error.value).startswith(f"{file}: bus[1].device[0].profile: ")


def test_word_order_and_sign() -> None:
    from gateway_agent.profile.decode import decode

    profile = Profile.model_validate(
        {
            "profile": "p",
            "title": "t",
            "source": "s",
            "read": {"max_registers": 10, "table": "input"},
            "point": [
                {"point": "energy_kwh", "address": 0, "width": 32, "word_order": "low_first"},
                {"point": "heat_w", "address": 2, "width": 32, "signed": True},
                {"point": "outdoor_c", "address": 4, "signed": True, "divisor": 10, "offset": 1.5},
                {"point": "pump", "address": 5, "table": "coil", "bits": [0]},
            ],
            "state": [{"state": "off"}],
        }
    )
    words = {0: 1, 1: 2, 2: 0xFFFF, 3: 0xFFFE, 4: 0xFFF6}
    seen = decode(
        profile, {("input", address): word for address, word in words.items()} | {("coil", 5): 1}
    )
    assert seen.values == {"energy_kwh": 131_073.0, "heat_w": -2.0, "outdoor_c": 0.5, "pump": 1.0}


@pytest.mark.parametrize(
    ("url", "addresses", "wrong"),
    [
        ("tcp://127.0.0.1:502", (0, 255), set()),
        ("tcp://127.0.0.1:502", (0, 256), {"bus[0].device[1].address"}),
        ("rtu+tcp://127.0.0.1:502", (0, 247), {"bus[0].device[0].address"}),
        ("serial:///dev/ttyS1", (1, 248), {"bus[0].device[1].address"}),
    ],
)
def test_an_address_is_one_that_its_line_can_have(
    tmp_path: Path, url: str, addresses: tuple[int, int], wrong: set[str]
) -> None:
    devices = "".join(
        f'[[bus.device]]\nid = "u-{address}"\naddress = {address}\nprofile = "phnix"\n'
        for address in addresses
    )
    file = tmp_path / "gateway.toml"
    head = EXAMPLE.read_text(encoding="utf-8").partition("[[bus]]")[0]
    file.write_text(f'{head}[[bus]]\nurl = "{url}"\n{devices}')
    if not wrong:
        assert [each.address for each in load(file, GatewaySettings, {}).bus[0].device] == [
            *addresses
        ]
        return
    with pytest.raises(ConfigurationError) as error:
        load(file, GatewaySettings, {})
    assert keys(error) == wrong


METER = """
profile = "meter"
title = "t"
source = "s"
meter = true
[read]
max_registers = 20
[[point]]
point = "power_w"
address = 1
"""


@pytest.mark.parametrize(
    ("meter", "key"),
    [
        ('device = "u-1"\naddress = 40\nprofile = "meter.toml"', None),
        ('device = "u-2"\naddress = 40\nprofile = "meter.toml"', "bus[0].meter[0].device"),
        ('device = "u-1"\naddress = 1\nprofile = "meter.toml"', "bus[0].meter[0].address"),
        ('device = "u-1"\naddress = 0\nprofile = "meter.toml"', "bus[0].meter[0].address"),
        ('device = "u-1"\naddress = 40\nprofile = "phnix"', "bus[0].meter[0].profile"),
    ],
)
def test_a_meter_is_of_a_device_of_its_bus_at_an_address_of_its_own(
    tmp_path: Path, meter: str, key: str | None
) -> None:
    (tmp_path / "meter.toml").write_text(METER)
    file = tmp_path / "gateway.toml"
    head = EXAMPLE.read_text(encoding="utf-8").partition("[[bus]]")[0]
    device = '[[bus.device]]\nid = "u-1"\naddress = 1\nprofile = "phnix"\n'
    file.write_text(f'{head}[[bus]]\nurl = "serial:///dev/ttyS1"\n{device}[[bus.meter]]\n{meter}')
    if key is not None:
        with pytest.raises(ConfigurationError) as error:
            read_configuration(file)
        assert keys(error) == {key}
        return
    configuration = read_configuration(file)
    report = check_gateway(configuration.settings, configuration.profiles, file)
    assert [device.device for device in report.lines[0].devices] == ["u-1", "u-1 meter"]


def test_a_unit_cannot_have_the_profile_of_a_meter(tmp_path: Path) -> None:
    (tmp_path / "meter.toml").write_text(METER)
    file = tmp_path / "gateway.toml"
    head = EXAMPLE.read_text(encoding="utf-8").partition("[[bus]]")[0]
    device = '[[bus.device]]\nid = "u-1"\naddress = 1\nprofile = "meter.toml"\n'
    file.write_text(f'{head}[[bus]]\nurl = "serial:///dev/ttyS1"\n{device}')
    with pytest.raises(ConfigurationError, match=r"\[\[bus.meter\]\]") as error:
        read_configuration(file)
    assert keys(error) == {"bus[0].device[0].profile"}
