"""`simulate bus`: its options, and what it says about those it cannot use."""

from typing import Any

import pytest

from hearthwatch.base.errors import UsageError
from hearthwatch.run.simulation import quirk_list, settings_for
from simulators.registers.serial_format import SerialFormat
from simulators.unit.quirks import CATALOGUE

FLAGS: dict[str, Any] = {
    "rtu_tcp": "127.0.0.1:0",
    "profile": "midea-mthermal",
    "quirks": "",
    "scenario": "quiet",
}


def test_every_quirk_has_its_line_in_the_list() -> None:
    lines = quirk_list().splitlines()
    assert [line.split()[0].partition(":")[0] for line in lines] == list(CATALOGUE)
    assert "counter_reset:10 min" in quirk_list()
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize(
    ("flags", "serial"),
    [
        ({}, SerialFormat(9600, "N", 1)),
        ({"profile": "haier-yr-e27"}, SerialFormat(9600, "E", 1)),
        ({"profile": "chofu-grant"}, SerialFormat(19_200, "N", 2)),
        ({"baud": 4800, "parity": "O", "stop": 2}, SerialFormat(4800, "O", 2)),
        ({"rtu_tcp": None, "tcp": "127.0.0.1:0"}, None),
        ({"rtu_tcp": None, "tcp": "127.0.0.1:0", "baud": 9600}, SerialFormat()),
    ],
)
def test_a_line_has_the_format_of_its_brand_unless_told_otherwise(
    flags: dict[str, Any], serial: SerialFormat | None
) -> None:
    assert settings_for(None, FLAGS | flags).line[0].serial == serial


def test_quirks_come_from_one_option() -> None:
    line = settings_for(None, FLAGS | {"quirks": "late:0.02, silence"}).line[0]
    assert line.switched == {"late": 0.02, "silence": 1}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"quirks": "rude"}, "--quirks: no quirk is called 'rude'"),
        ({"profile": "unknown"}, "--profile: 'unknown' cannot be simulated; there are chofu-grant"),
        ({"parity": "X"}, "--parity: "),
        ({"stop": 3}, "--stop: "),
        ({"rtu_tcp": "here"}, "--rtu-tcp: 'here' is not HOST:PORT"),
        ({"tcp": "127.0.0.1:0"}, "--pty, --tcp, --rtu-tcp: name one of"),
        ({"units": 3, "first_address": 246}, "--units, --first-address: "),
    ],
)
def test_a_mistake_is_said_with_its_option(flags: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings_for(None, FLAGS | flags)
    assert str(caught.value).startswith(said)
