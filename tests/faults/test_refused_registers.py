"""A refusal that passes costs nothing for good; one that stays is said, and taken back."""

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from time import monotonic

import pytest

from gateway_agent.limits.doubts import BELIEVED_AFTER
from gateway_agent.polling.unit import ASK_AGAIN_S
from tests.faults.conftest import FaultRecord
from tests.faults.edge import SweptLine
from tests.gateway_agent.slaves import Sending, rtu
from tests.gateway_agent.test_service import REPOSITORY
from tests.gateway_agent.test_supervise import Box, metrics
from tests.servers import MosquittoBroker, wait_until

pytestmark = pytest.mark.fault("11.A1")

ILLEGAL_ADDRESS = 2
DEFROST = 1 << 1
STATE, OUTDOOR = 128, 107
VISITS = 60


def refusal(request: bytes) -> list[Sending]:
    return [(0.0, rtu(request[0], bytes((request[1] | 0x80, ILLEGAL_ADDRESS))))]


def test_a_unit_that_refuses_every_seventh_question_loses_no_point(
    fault_record: FaultRecord,
) -> None:
    numbers = count(1)
    refusing = False

    def misbehave(request: bytes, reply: bytes) -> list[Sending]:
        seventh = refusing and next(numbers) % 7 == 0
        return refusal(request) if seventh else [(0.0, reply)]

    with SweptLine(misbehave=misbehave) as swept:
        whole = swept.sweep()[0].values.keys()
        refusing = True
        readings = swept.sweep(VISITS)
        refusing = False
        swept.sweep(2)
        last = swept.readings[-1].values.keys()
        fault_record["trials"] = next(numbers) // 7
        fault_record["lost"] = sum(
            len((whole - reading.values.keys()) & set(reading.bad)) for reading in readings
        )
        fault_record["missed"] = len(whole - last)
        assert len(readings) == VISITS
        assert (fault_record["lost"], fault_record["missed"]) == (0, 0)


def test_one_refusal_of_the_state_hides_no_defrost(fault_record: FaultRecord) -> None:
    with SweptLine() as swept:
        assert swept.sweep()[0].state == "heating"
        swept.units.illegal = {STATE, OUTDOOR}
        assert {"state", "outdoor_c"} <= set(swept.sweep()[0].bad)
        swept.units.illegal = set()
        swept.units.registers[1][STATE] |= DEFROST
        shown = swept.sweep()[0]
        fault_record["trials"] = 1
        fault_record["false"] = int(shown.state != "defrost")
        fault_record["missed"] = len({"state", "outdoor_c"} & set(shown.bad))
        assert (shown.state, fault_record["missed"]) == ("defrost", 0)


def pass_time(swept: SweptLine) -> None:
    swept.polled[0].remind(monotonic() + ASK_AGAIN_S)


def be_silent(swept: SweptLine) -> None:
    swept.units.dead = {1}
    swept.sweep()
    swept.units.dead = set()


def be_pulled_out(swept: SweptLine) -> None:
    swept.bus.close()
    swept.plugged = False
    swept.sweep()
    swept.plugged = True


def be_reloaded(swept: SweptLine) -> None:
    swept.line.ask_again()


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("illegal", pass_time),
        ("illegal", be_silent),
        ("illegal", be_pulled_out),
        ("illegal", be_reloaded),
        ("hushed", be_silent),
        ("longest", pass_time),
    ],
)
def test_what_answers_again_is_taken_back_and_said_once(
    kind: str,
    event: Callable[[SweptLine], None],
    fault_record: FaultRecord,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with SweptLine() as swept:
        unit = swept.polled[0]
        before = swept.sweep()[0]
        setattr(swept.units, kind, 16 if kind == "longest" else {STATE, OUTDOOR})
        limits = {("holding", STATE), ("holding", OUTDOOR)}
        swept.sweep_until(
            lambda: (
                bool(unit.learnt.borders) if kind == "longest" else unit.learnt.illegal >= limits
            )
        )
        swept.sweep(3)
        setattr(swept.units, kind, 125 if kind == "longest" else set())
        swept.sweep(2)
        assert unit.learnt.in_force, "it is not asked again before its time"
        event(swept)
        sweeps = swept.sweep_until(lambda: not unit.learnt.in_force, 10)
        shown = swept.sweep()[0]
        fault_record["trials"] = 1
        fault_record["missed"] = len(before.values.keys() - shown.values.keys())
        fault_record["blind_s"] = 30.0 * sweeps + (ASK_AGAIN_S if event is pass_time else 0)
        assert shown.values.keys() == before.values.keys()
        assert shown.bad == before.bad
    said = [record.message.partition(" ")[0] for record in caplog.records]
    begun, ended = (
        ("blocks_cut", "blocks_whole_again")
        if kind == "longest"
        else ("registers_given_up", "registers_answer_again")
    )
    assert 1 <= said.count(begun) == said.count(ended) <= 2


@pytest.fixture
def box(mosquitto_broker: MosquittoBroker, tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path, mosquitto_broker.url)
    yield made
    made.close()


def live(box: Box) -> dict[str, object]:
    command = [sys.executable, "-m", "hearthwatch", "gateway", "check", "--live", "--json"]
    done = subprocess.run(
        [*command, "--config", str(box.configuration)],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
        timeout=60,
    )
    unit: dict[str, object] = json.loads(done.stdout)["live"]["units"][0]
    return unit


def test_metrics_and_the_live_check_show_what_is_given_up_and_a_reload_asks_again(
    box: Box, fault_record: FaultRecord
) -> None:
    where = f'line="serial://{box.line.path}",unit="unit-1"'
    metric = f'hearthwatch_gateway_given_up_register{{{where},table="holding",address="{OUTDOOR}"}}'
    box.configure()
    box.units.illegal = {OUTDOOR}
    box.start()
    wait_until(lambda: "registers_given_up" in box.log, 15 * BELIEVED_AFTER)
    assert metrics(box.page)[metric] == 1
    assert live(box)["given_up"] == [f"holding {OUTDOOR}"]
    box.units.illegal = set()
    box.send(signal.SIGHUP)
    wait_until(lambda: "registers_answer_again" in box.log, 20)
    assert metric not in metrics(box.page)
    assert live(box)["given_up"] == []
    assert box.log.count("registers_given_up") == box.log.count("registers_answer_again") == 1
    fault_record["trials"] = 1
