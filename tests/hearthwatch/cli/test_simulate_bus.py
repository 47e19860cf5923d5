"""`simulate bus`: its options, and the errors for options that cannot be used."""

import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hearthwatch.base.errors import UsageError
from hearthwatch.cli.simulate import app
from hearthwatch.run.simulated_bus import quirk_list
from simulators.live.settings import SimulationSettings
from simulators.registers.serial_format import SerialFormat
from simulators.unit.quirks import CATALOGUE

OPTIONS: dict[str, str | None] = {
    "--rtu-tcp": "127.0.0.1:0",
    "--profile": "midea-mthermal",
    "--scenario": "quiet",
}
TCP = {"--rtu-tcp": None, "--tcp": "127.0.0.1:0"}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[SimulationSettings]:
    """The settings that the command hands to the process."""
    settings: list[SimulationSettings] = []
    monkeypatch.setattr("hearthwatch.base.signals.stop_on_signals", threading.Event)
    monkeypatch.setattr(
        "hearthwatch.run.simulated_bus.run_bus", lambda given, stop: settings.append(given)
    )
    return settings


def run_bus(**changes: str | None) -> None:
    options = OPTIONS | changes
    arguments = [
        part for name, value in options.items() if value is not None for part in (name, value)
    ]
    CliRunner().invoke(app, ["bus", *arguments], catch_exceptions=False)


def test_every_quirk_has_its_line_in_the_list() -> None:
    lines = quirk_list().splitlines()
    assert [line.split()[0].partition(":")[0] for line in lines] == list(CATALOGUE)
    assert "counter_reset:10 min" in quirk_list()
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize(
    ("options", "serial"),
    [
        ({}, SerialFormat(9600, "N", 1)),
        ({"--profile": "haier-yr-e27"}, SerialFormat(9600, "E", 1)),
        ({"--profile": "chofu-grant"}, SerialFormat(19_200, "N", 2)),
        ({"--baud": "4800", "--parity": "O", "--stop": "2"}, SerialFormat(4800, "O", 2)),
        (TCP, None),
        ({**TCP, "--baud": "9600"}, SerialFormat()),
    ],
)
def test_a_line_has_the_format_of_its_brand_unless_told_otherwise(
    served: list[SimulationSettings], options: dict[str, str | None], serial: SerialFormat | None
) -> None:
    run_bus(**options)
    assert served[0].line[0].serial == serial


def test_quirks_come_from_one_option(served: list[SimulationSettings]) -> None:
    run_bus(**{"--quirks": "late:0.02, silence"})
    line = served[0].line[0]
    assert line.switched == {"late": 0.02, "silence": 1}


def test_a_file_replaces_the_other_options(
    served: list[SimulationSettings], tmp_path: Path
) -> None:
    file = tmp_path / "simulation.toml"
    file.write_text('seed = 7\n[[line]]\ntcp = "127.0.0.1:0"\nunit = [{ id = "a", address = 3 }]\n')
    run_bus(**{"--config": str(file), "--seed": "2"})
    assert (served[0].seed, served[0].line[0].unit[0].address) == (7, 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"--quirks": "rude"}, "--quirks: no quirk is called 'rude'"),
        (
            {"--profile": "unknown"},
            "--profile: 'unknown' cannot be simulated; there are chofu-grant",
        ),
        ({"--parity": "X"}, "--parity: "),
        ({"--stop": "3"}, "--stop: "),
        ({"--rtu-tcp": "here"}, "--rtu-tcp: 'here' is not HOST:PORT"),
        ({"--tcp": "127.0.0.1:0"}, "--pty, --tcp, --rtu-tcp: name one of"),
        ({"--units": "3", "--first-address": "246"}, "--units, --first-address: "),
    ],
)
def test_a_mistake_is_said_with_its_option(options: dict[str, str | None], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        run_bus(**options)
    assert str(caught.value).startswith(said)
