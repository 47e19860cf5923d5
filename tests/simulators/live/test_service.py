import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from configuration.load import ConfigurationError, load
from simulators.live.bus.frames import serial_frame
from simulators.live.service import SimulatorService
from simulators.live.settings import SimulationSettings, settings_from_flags
from simulators.live.truth import TruthLog, read_truth
from simulators.scoring.truths import Truth, truth_from
from tests.servers import wait_until
from tests.simulators.village import mbpoll, read_line, read_tcp, running, scenario_file


def two_lines(folder: Path, **more: Any) -> SimulationSettings:
    def units(first: int, addresses: tuple[int, ...]) -> list[dict[str, Any]]:
        return [
            {"id": f"sim-{first + i:04}", "address": address} for i, address in enumerate(addresses)
        ]

    lines = [
        {
            "pty": folder / "lines" / "one",
            "profile": "midea-mthermal",
            "baud": 9600,
            "unit": units(1, (1, 7)),
        },
        {"tcp": "127.0.0.1:0", "profile": "phnix", "unit": units(3, (1, 2))},
    ]
    document = {"truth": folder / "truth.jsonl", "line": lines, **more}
    return SimulationSettings.model_validate(document)


def reads(folder: Path) -> list[dict[str, Any]]:
    return [line for line in read_truth(folder / "truth.jsonl") if line["type"] == "read"]


def signed(word: int) -> int:
    return word - 0x10000 if word >= 0x8000 else word


def test_mbpoll_sees_on_a_serial_line_what_the_truth_says(tmp_path: Path) -> None:
    with running(two_lines(tmp_path)):
        for device, address in (("sim-0001", 1), ("sim-0002", 7)):
            words, said = read_line(tmp_path / "lines" / "one", address, 100, 40)
            assert len(words) == 40, said
            read = wait_until(
                lambda device=device: [r for r in reads(tmp_path) if r["device"] == device]
            )[-1]
            assert signed(words[110]) / 10 == read["values"]["supply_c"]
            assert signed(words[107]) / 10 == read["values"]["outdoor_c"]
            assert words[114] / 10 == read["values"]["room_c"]
            assert words[100] == read["values"]["compressor_hz"]
            assert read["faults"] == []
    assert not (tmp_path / "lines" / "one").exists()


def test_mbpoll_sees_over_tcp_what_the_truth_says(tmp_path: Path) -> None:
    with running(two_lines(tmp_path)) as service:
        words, said = read_tcp(service.tcp_ports[0], 2, 2001, 90)
        assert len(words) == 90, said
        read = wait_until(lambda: reads(tmp_path))[-1]
        assert read["device"] == "sim-0004"
        assert signed(words[2046]) / 10 == read["values"]["supply_c"]
        assert (words[2078] << 16) + words[2079] == read["values"]["energy_kwh"]


def test_an_absent_address_and_a_silent_unit_do_not_answer(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path, '[[event]]\nat = "0s"\nunit = 2\nsilent = true\n')
    with running(two_lines(tmp_path, scenario=scenario)) as service:
        line = tmp_path / "lines" / "one"
        wait_until(lambda: any(t["type"] == "silent" for t in read_truth(tmp_path / "truth.jsonl")))
        for address in (2, 7):
            words, said = read_line(line, address, 100, 5, timeout="0.3")
            assert not words
            assert "timed out" in said
        assert not read_tcp(service.tcp_ports[0], 9, 2046, 1, timeout="0.3")[0]
        assert read_line(line, 1, 100, 5)[0]


def test_illegal_registers_are_refused_as_the_brand_does(tmp_path: Path) -> None:
    with running(two_lines(tmp_path)) as service:
        assert "Illegal data address" in read_line(tmp_path / "lines" / "one", 1, 50, 2)[1]
        assert "timed out" in read_tcp(service.tcp_ports[0], 1, 5, 2, timeout="0.3")[1]
        assert not reads(tmp_path)


def test_a_written_set_point_is_read_back(tmp_path: Path) -> None:
    with running(two_lines(tmp_path)):
        line = tmp_path / "lines" / "one"
        where = ("-m", "rtu", "-b", "9600", "-P", "none", "-a", "1", "-r", "11", str(line))
        assert "Written 1 references" in mbpoll(*where, "450")[1]
        assert read_line(line, 1, 11, 1)[0] == {11: 450}
        assert "Illegal data value" in mbpoll(*where, "5000")[1]


def test_the_truth_tells_start_devices_fault_edges_and_stop(tmp_path: Path) -> None:
    scenario = scenario_file(
        tmp_path, '[[event]]\nat = "100ms"\nlasts = "1s"\nunit = 1\nfault = "high_pressure:P1"\n'
    )
    with running(two_lines(tmp_path, scenario=scenario, seed=4, speed=2.0)):
        wait_until(
            lambda: any(t.get("edge") == "end" for t in read_truth(tmp_path / "truth.jsonl"))
        )
    lines = list(read_truth(tmp_path / "truth.jsonl"))
    kinds = [line["type"] for line in lines]
    assert kinds == [
        "start",
        "device",
        "device",
        "device",
        "device",
        "fault",
        "truth",
        "fault",
        "stop",
    ]
    assert {key: lines[0][key] for key in ("seed", "scenario", "speed")} == {
        "seed": 4,
        "scenario": "test",
        "speed": 2.0,
    }
    assert lines[2] == {
        "type": "device",
        "device": "sim-0002",
        "profile": "midea-mthermal",
        "address": 7,
    }
    assert [
        (line["device"], line["code"], line["edge"]) for line in lines if line["type"] == "fault"
    ] == [
        ("sim-0001", "high_pressure:P1", "begin"),
        ("sim-0001", "high_pressure:P1", "end"),
    ]


def test_the_truth_names_each_cause_with_its_class(tmp_path: Path) -> None:
    events = """
    [[event]]
    at = "0s"
    lasts = "10m"
    unit = 1
    fault = "high_pressure"
    [[event]]
    at = "0s"
    unit = 2
    cause = "leak"
    [[event]]
    at = "0s"
    count = 2
    cause = "village_outage"
    """
    settings = two_lines(tmp_path, scenario=scenario_file(tmp_path, events))
    with running(settings):
        wait_until(lambda: len(causes(tmp_path)) == 4)
    told = {(cause.kind, cause.subject, cause.end is None) for cause in causes(tmp_path)}
    assert told == {
        ("high_pressure", "sim-0001", False),
        ("leak", "sim-0002", True),
        ("power_cut", "sim-0001", True),
        ("power_cut", "sim-0002", True),
    }


def causes(folder: Path) -> list[Truth]:
    return [
        truth_from(line) for line in read_truth(folder / "truth.jsonl") if line["type"] == "truth"
    ]


def test_frozen_registers_do_not_move(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path, '[[event]]\nat = "0s"\nunit = 3\nfrozen = true\n')
    with running(two_lines(tmp_path, scenario=scenario, speed=600.0)) as service:
        port = service.tcp_ports[0]
        first = read_tcp(port, 1, 2011, 80)[0]
        moving = read_tcp(port, 2, 2011, 80)[0]
        wait_until(lambda: read_tcp(port, 2, 2011, 80)[0] != moving)
        assert read_tcp(port, 1, 2011, 80)[0] == first


def test_a_master_that_never_reads_does_not_hold_the_simulator_up(tmp_path: Path) -> None:
    settings = two_lines(tmp_path)
    unpaced = settings.line[0].model_copy(update={"baud": None})
    with running(settings.model_copy(update={"line": (unpaced,)})):
        terminal = os.open(tmp_path / "lines" / "one", os.O_RDWR | os.O_NOCTTY)
        for _ in range(1_500):  # 127 kB of replies, more than a pseudo-terminal holds
            os.write(terminal, serial_frame(1, bytes.fromhex("0300640028")))
        counts = [0]
        wait_until(lambda: counts.append(len(reads(tmp_path))) or 100 < counts[-2] == counts[-1])
    os.close(terminal)


def test_settings_from_flags_name_the_units() -> None:
    settings = settings_from_flags(tcp="127.0.0.1:1502", units=3, first_address=5)
    assert [(unit.id, unit.address) for unit in settings.line[0].unit] == [
        ("sim-0001", 5),
        ("sim-0002", 6),
        ("sim-0003", 7),
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "line"),
        ('[[line]]\nunit = [{ id = "a", address = 1 }]\n', "line[0]"),
        (
            '[[line]]\npty = "p"\nunit = [{ id = "a", address = 1 }, { id = "b", address = 1 }]\n',
            "line[0]",
        ),
        ('[[line]]\ntcp = "here"\nunit = [{ id = "a", address = 1 }]\n', "line[0].tcp"),
        (
            '[[line]]\npty = "p"\nprofile = "x"\nunit = [{ id = "a", address = 1 }]\n',
            "line[0].profile",
        ),
        ('[[line]]\npty = "p"\nunit = [{ id = "a", address = 300 }]\n', "line[0].unit[0].address"),
        (
            '[[line]]\npty = "p"\nquirks = ["rude"]\nunit = [{ id = "a", address = 1 }]\n',
            "line[0].quirks[0]",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_named(tmp_path: Path, text: str, key: str) -> None:
    path = tmp_path / "bus.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(path, SimulationSettings, environment={})
    assert [problem.key for problem in caught.value.problems] == [key]


def test_a_fault_no_unit_can_show_is_a_configuration_mistake(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path, '[[event]]\nat = "0s"\nunit = 3\nfault = "discharge_high"\n')
    with pytest.raises(ConfigurationError, match="discharge_high"):
        SimulatorService(two_lines(tmp_path, scenario=scenario))


def test_a_taken_port_leaves_no_line_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = two_lines(tmp_path)
        line = settings.line[1].model_copy(update={"tcp": f"127.0.0.1:{taken.getsockname()[1]}"})
        with pytest.raises(OSError, match="in use"):
            SimulatorService(settings.model_copy(update={"line": (settings.line[0], line)}))
    assert not (tmp_path / "lines" / "one").exists()


def test_an_unfinished_line_of_truth_waits(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    first, second = TruthLog(path), TruthLog(path)
    first.append({"type": "start", "at": 1})
    second.append({"type": "gateway", "edge": "down", "at": 2})
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, b'{"type":"re')
    os.close(descriptor)
    assert [line["at"] for line in read_truth(path)] == [1, 2]
    assert json.loads(path.read_text().splitlines()[0]) == {"type": "start", "at": 1}
