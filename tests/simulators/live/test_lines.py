"""Lines as clients meet them: limits of connections, unplugged adapters, spoilt replies."""

import os
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus, ReplyError
from gateway_agent.bus.requests import ReadRequest
from simulators.live.bus import serial_line, tcp_line
from simulators.live.bus.frames import Request, SlaveTcpFraming, serial_frame
from simulators.live.bus.spoil import SPOILERS
from simulators.live.settings import settings_from_flags
from tests.servers import wait_until
from tests.simulators.village import read_line, running, scenario_file

READ = Request(1, bytes.fromhex("0300640002"), 1)
ALL_SPOILT = tuple(f"{name}:0.08" for name in SPOILERS if name not in ("late", "mixed_streams"))


@contextmanager
def tcp(way: str, *quirks: str, scenario: Path | None = None) -> Iterator[int]:
    """The port of one Midea unit at address 1 behind `tcp` or `rtu_tcp`, with fast replies."""
    where = {way: "127.0.0.1:0"} | ({} if way == "tcp" else {"baud": 115_200})
    with running(settings_from_flags(**where, quirks=quirks, scenario=scenario)) as service:
        yield service.tcp_ports[0]


def ask(connection: socket.socket) -> bytes:
    """The frame that answers READ; empty if the other side has closed."""
    try:
        connection.sendall(SlaveTcpFraming().frame(READ, READ.message))
        return connection.recv(64)
    except ConnectionError:
        return b""


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_serial_server_takes_one_client_at_a_time() -> None:
    with tcp("tcp", "clients") as port:
        with connect(port) as first:
            assert len(ask(first)) == 13
            with connect(port) as second:
                assert ask(second) == b""
            assert len(ask(first)) == 13

        def another_is_taken() -> bool:
            with connect(port) as third:
                return len(ask(third)) == 13

        wait_until(another_is_taken)


def test_a_converter_closes_an_idle_connection_and_takes_the_next() -> None:
    with tcp("tcp", "idle_close:0.3") as port:
        with connect(port) as idle:
            assert len(ask(idle)) == 13
            assert idle.recv(64) == b""
        with connect(port) as next_one:
            assert len(ask(next_one)) == 13


def test_a_transparent_server_passes_serial_frames_in_pieces() -> None:
    with tcp("rtu_tcp") as port, connect(port) as connection:
        question = serial_frame(1, READ.message)
        connection.sendall(question[:3])
        connection.sendall(question[3:])
        frame = connection.recv(64)
        assert frame == serial_frame(1, frame[1:-2])
        assert frame[:3] == bytes.fromhex("010304")


def test_whoever_does_not_talk_modbus_is_put_off() -> None:
    with tcp("tcp") as port:
        with connect(port) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert connection.recv(64) == b""
        with connect(port) as connection:
            assert len(ask(connection)) == 13


def test_a_pulled_tcp_adapter_closes_every_connection_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_line, "UNPLUGGED_S", 0.5)
    with tcp("tcp", "unplug:0.3") as port:
        lengths: list[int] = []

        def out_and_in_again() -> bool:
            with connect(port) as connection:
                lengths.append(len(ask(connection)))
            return 0 in lengths and 13 in lengths[lengths.index(0) :]

        wait_until(out_and_in_again)


def test_a_pulled_serial_adapter_leaves_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_line, "UNPLUGGED_S", 0.2)
    path = tmp_path / "line"
    with running(settings_from_flags(pty=path, quirks=("unplug:0.5",), seed=2)):
        terminal = os.open(path, os.O_RDWR | os.O_NOCTTY)

        def exchange() -> None:
            os.write(terminal, serial_frame(1, READ.message))
            os.read(terminal, 64)

        with pytest.raises(OSError, match="Input/output error"):
            wait_until(exchange)
        os.close(terminal)
        assert wait_until(lambda: path.exists() and read_line(path, 1, 100, 2, timeout="0.5")[0])


def test_of_a_line_that_spoils_half_the_replies_no_value_comes_through_that_contradicts_another(
    tmp_path: Path,
) -> None:
    frozen = scenario_file(tmp_path, '[[event]]\nat = "0s"\nunit = 1\nfrozen = true\n')
    choose, seen, came, spoilt = random.Random(3), dict[int, set[int]](), 0, 0
    with tcp("rtu_tcp", *ALL_SPOILT, scenario=frozen) as port:
        bus = Bus(parse_line(f"rtu+tcp://127.0.0.1:{port}?baud=115200"))
        for _ in range(60):
            first, count = 100 + choose.randrange(8), choose.choice((7, 19, 31))
            try:
                words = bus.read(1, ReadRequest("holding", first, count), 0.0, 0.15)
            except ReplyError:
                spoilt += 1
                continue
            came += 1
            for address, word in enumerate(words, start=first):
                seen.setdefault(address, set()).add(word)
        bus.close()
    assert came >= 8
    assert spoilt >= 8
    assert all(len(words) == 1 for words in seen.values())
