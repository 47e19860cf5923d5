"""A Modbus TCP unit, and a serial server, that close every connection that is idle for a moment."""

import logging
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.bus.requests import ReadRequest
from gateway_agent.commands.execute import execute
from gateway_agent.polling.cadence import Cadence
from gateway_agent.polling.line import PolledLine
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.loading import load_profile
from tests.gateway_agent.slaves import TcpSlave, Units, rtu
from tests.gateway_agent.test_service import midea_registers
from tests.servers import wait_until
from wire.messages import Command, Reading

MIDEA = load_profile("midea-mthermal", [Path(__file__).parents[2] / "config" / "profiles"])
READINGS = 8
NOW = 1_763_740_000_000
WATER = {0: 2, 1: 3, 3: 50, 5: 0, 11: 35, 189: 0, 203: 55, 204: 25, 205: 60, 206: 34}
"""Registers of a unit that heats water and takes a set-point."""
End = Literal["closed", "reset", "closed when asked", "reset when asked"]


class ClosingSlave(TcpSlave):
    """Ends a connection that is idle for 50 ms, or the next request on it unanswered."""

    def __init__(self, units: Units, end: End, *, mbap: bool) -> None:
        self.ended = 0
        self.idle = threading.Event()
        self._end = end
        super().__init__(units, mbap=mbap)

    def _converse(self, connection: socket.socket) -> None:
        self.idle.clear()
        while not self._stop.is_set():
            try:
                received = connection.recv(260)
            except TimeoutError:
                self.idle.set()
                if self._end in ("closed", "reset"):
                    break
                continue
            if not received:
                return
            if self.idle.is_set():
                break
            self._reply(connection, received)
        self.ended += 1
        if self._end.startswith("reset"):
            no_linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)


class IdleLine:
    """One unit read every 0.15 s, longer than its connection lives."""

    def __init__(self, end: End, *, mbap: bool) -> None:
        self.units = Units({1: midea_registers() | WATER})
        self.slave = ClosingSlave(self.units, end, mbap=mbap)
        self.readings: list[Reading] = []
        address = parse_line(f"{'tcp' if mbap else 'rtu+tcp'}://127.0.0.1:{self.slave.port}")
        self.unit = PolledUnit("unit", 1, MIDEA, address)
        self.line = PolledLine(
            Bus(address), [self.unit], Cadence(0.15, 0.15), self.readings.extend, lambda: NOW
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.line.run, args=(self._stop,))
        self._thread.start()

    def command(self, setpoint_c: float) -> str:
        """The status of a command that meets an idle connection."""
        self.slave.idle.clear()
        assert self.slave.idle.wait(5)
        command = Command(f"set-{setpoint_c}", "unit", {"setpoint_c": setpoint_c}, NOW + 9, "test")
        return (
            self.line.execute(lambda bus: execute(command, self.unit, bus, lambda: NOW))
            .result(10)
            .status
        )

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)
        self.slave.close()


@pytest.fixture(params=[True, False], ids=["tcp", "rtu+tcp"])
def mbap(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=["closed", "reset", "closed when asked", "reset when asked"])
def line(request: pytest.FixtureRequest, mbap: bool) -> Iterator[IdleLine]:
    made = IdleLine(request.param, mbap=mbap)
    yield made
    made.close()


@pytest.mark.fault("11.A5")
def test_a_connection_closed_while_idle_costs_no_reading_and_no_command(
    line: IdleLine, fault_record: dict[str, float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    wait_until(lambda: len(line.readings) >= READINGS, 20)
    statuses = [line.command(setpoint_c) for setpoint_c in (40.0, 41.0, 42.0)]
    fault_record["trials"] = line.slave.ended
    fault_record["missed"] = sum(status != "done" for status in statuses)
    events = [record.message.partition(" ")[0] for record in caplog.records]
    assert statuses == ["done"] * 3
    assert line.slave.ended >= READINGS - 1
    assert events.count("connection_reopened") == 1
    assert not {"line_down", "unit_silent"} & set(events)
    assert not line.line.errors
    assert all(len(reading.values) > 5 for reading in line.readings)


class AnsweringTwice(TcpSlave):
    """A serial server that ends a connection after it has passed a request on.

    The answer comes on the next connection, behind that of the repeated request.
    """

    def __init__(self, units: Units) -> None:
        self.late = 0
        self._late = b""
        super().__init__(units, mbap=False)

    def _converse(self, connection: socket.socket) -> None:
        for number in range(8):
            request = self._next(connection)
            if not request:
                return
            reply = rtu(request[0], self.units.answer(request[0], request[1:-2]) or b"")
            if number == 7:
                self._late = reply
                return
            connection.sendall(self._late + reply if number == 1 else reply)
            if number == 1 and self._late:
                self.late, self._late = self.late + 1, b""

    def _next(self, connection: socket.socket) -> bytes:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                return connection.recv(260)
        return b""


@pytest.mark.fault("11.A5")
def test_the_second_answer_to_a_repeated_request_is_never_taken_for_another(
    fault_record: dict[str, float],
) -> None:
    slave = AnsweringTwice(Units({1: {address: 20_000 + address for address in range(1_000)}}))
    bus = Bus(parse_line(f"rtu+tcp://127.0.0.1:{slave.port}"))
    try:
        for address in range(200):
            contents = bus.read(1, ReadRequest("holding", address, 4), 0.0, 0.5)
            fault_record["trials"] += 1
            fault_record["false"] += contents != list(range(20_000 + address, 20_004 + address))
    finally:
        bus.close()
        slave.close()
    assert slave.late > 10
    assert fault_record["false"] == 0
