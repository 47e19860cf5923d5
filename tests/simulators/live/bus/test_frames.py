import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.live.bus.frames import (
    NotModbusError,
    Request,
    SlaveSerialFraming,
    SlaveTcpFraming,
    checksum,
    serial_frame,
)

READ = st.builds(lambda function, address, count: struct.pack(">BHH", function, address, count),
                 st.integers(1, 6), *[st.integers(0, 0xFFFF)] * 2)  # fmt: skip
WRITE = st.builds(
    lambda address, words: struct.pack(
        f">BHHB{len(words)}H", 16, address, len(words), 2 * len(words), *words
    ),
    st.integers(0, 0xFFFF),
    st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=100),
)
COILS = st.builds(
    lambda data: struct.pack(">BHHB", 15, 8, 8 * len(data), len(data)) + data,
    st.binary(min_size=1, max_size=20),
)
REQUESTS = st.lists(st.tuples(st.integers(1, 247), READ | WRITE | COILS), max_size=5)


def pieces(stream: bytes, size: int) -> list[bytes]:
    return [stream[at : at + size] for at in range(0, len(stream), size)]


def test_checksum_is_the_one_of_the_specification() -> None:
    assert checksum(bytes.fromhex("010300000001")) == bytes.fromhex("840a")
    assert serial_frame(0x11, bytes.fromhex("03006b0003")) == bytes.fromhex("1103006b00037687")


@given(REQUESTS, st.integers(1, 40))
def test_serial_requests_come_through_whatever_the_pieces(
    requests: list[tuple[int, bytes]], piece: int
) -> None:
    stream = b"".join(serial_frame(address, message) for address, message in requests)
    framing = SlaveSerialFraming()
    received = [request for part in pieces(stream, piece) for request in framing.feed(part)]
    assert received == [Request(address, message) for address, message in requests]


@given(REQUESTS, st.integers(1, 40))
def test_tcp_requests_come_through_whatever_the_pieces(
    requests: list[tuple[int, bytes]], piece: int
) -> None:
    sent = [Request(address, message, number) for number, (address, message) in enumerate(requests)]
    framing = SlaveTcpFraming()
    stream = b"".join(framing.frame(request, request.message) for request in sent)
    assert [request for part in pieces(stream, piece) for request in framing.feed(part)] == sent


@given(st.binary(max_size=300), st.integers(1, 247), READ)
def test_noise_never_stops_the_line_after_a_silence(
    noise: bytes, address: int, message: bytes
) -> None:
    framing = SlaveSerialFraming()
    framing.feed(noise)
    framing.silence()
    assert framing.feed(serial_frame(address, message)) == [Request(address, message)]


def test_a_tcp_frame_carries_transaction_length_and_unit() -> None:
    framing = SlaveTcpFraming()
    assert framing.frame(Request(5, b"", 0x1234), b"\x83\x02") == bytes.fromhex(
        "123400000003058302"
    )
    with pytest.raises(NotModbusError):
        framing.feed(b"GET / HTTP/1.1\r\n")
