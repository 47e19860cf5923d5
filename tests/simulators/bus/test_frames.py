import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.bus.frames import SerialReceiver, checksum, serial_frame, tcp_frame, wire_seconds
from simulators.bus.quirks import Line, Quirk
from simulators.bus.requests import answer
from simulators.registers.image import RefusedError

READ = st.builds(lambda address, count: struct.pack(">BHH", 3, address, count), *[st.integers(0, 0xFFFF)] * 2)
WRITE = st.builds(
    lambda address, words: struct.pack(f">BHHB{len(words)}H", 16, address, len(words), 2 * len(words), *words),
    st.integers(0, 0xFFFF),
    st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=100),
)


class Store:
    """Registers 0…99."""

    def __init__(self) -> None:
        self.words = dict.fromkeys(range(100), 0)

    def read(self, address: int, count: int) -> list[int]:
        if address + count > 100:
            raise RefusedError(2)
        return [self.words[at] for at in range(address, address + count)]

    def write(self, address: int, words: list[int]) -> None:
        if address + len(words) > 100:
            raise RefusedError(None)
        self.words.update(enumerate(words, start=address))


def test_checksum_is_the_one_of_the_specification() -> None:
    assert checksum(bytes.fromhex("010300000001")) == bytes.fromhex("840a")
    assert serial_frame(0x11, bytes.fromhex("03006b0003")) == bytes.fromhex("1103006b00037687")


@given(st.lists(st.tuples(st.integers(1, 247), READ | WRITE), max_size=5), st.integers(1, 40))
def test_requests_come_through_whatever_the_pieces(requests: list[tuple[int, bytes]], piece: int) -> None:
    stream = b"".join(serial_frame(address, request) for address, request in requests)
    receiver = SerialReceiver()
    received = [request for at in range(0, len(stream), piece) for request in receiver.feed(stream[at : at + piece])]
    assert received == requests


@given(st.binary(max_size=300), st.integers(1, 247), READ)
def test_noise_never_stops_the_line_after_a_silence(noise: bytes, address: int, request: bytes) -> None:
    receiver = SerialReceiver()
    receiver.feed(noise)
    receiver.silence()
    assert receiver.feed(serial_frame(address, request)) == [(address, request)]


@given(st.binary(min_size=1, max_size=260))
def test_any_request_gets_a_reply_an_exception_or_silence(request: bytes) -> None:
    given_answer = answer(request, Store())
    if given_answer.reply is not None:
        assert given_answer.reply[0] in (request[0], request[0] | 0x80)
        assert 2 <= len(given_answer.reply) <= 253


def test_reads_writes_and_refusals() -> None:
    store = Store()
    assert answer(bytes.fromhex("060003002a"), store).reply == bytes.fromhex("060003002a")
    assert answer(bytes.fromhex("10000400020400010002"), store).reply == bytes.fromhex("1000040002")
    given_answer = answer(bytes.fromhex("0300030003"), store)
    assert given_answer.reply == bytes.fromhex("0306002a00010002")
    assert given_answer.carried == range(3, 6)
    assert answer(bytes.fromhex("0300630002"), store).reply == bytes((0x83, 2))
    assert answer(bytes.fromhex("0300000000"), store).reply == bytes((0x83, 3))
    assert answer(bytes.fromhex("0400000001"), store).reply == bytes((0x84, 1))
    assert answer(bytes.fromhex("0600c80001"), store).reply is None


def test_a_tcp_frame_carries_transaction_length_and_unit() -> None:
    assert tcp_frame(0x1234, 5, b"\x83\x02") == bytes.fromhex("123400000003058302")


def test_wire_time_of_a_full_read_at_9600_baud() -> None:
    assert wire_seconds(8, 9600) + wire_seconds(85, 9600) == pytest.approx(0.104, abs=0.001)


@pytest.mark.parametrize("quirk", ["late", "crc", "noise", "short", "lost"])
def test_quirks_strike_a_seeded_share_and_spoil_what_they_say(quirk: Quirk) -> None:
    frame = serial_frame(1, bytes.fromhex("0302002a"))
    sent = [[line.send(frame) for _ in range(2_000)] for line in (Line((quirk,), 9), Line((quirk,), 9))]
    assert sent[0] == sent[1]
    struck = [reply for reply in sent[0] if reply.reading != "certain"]
    assert 60 <= len(struck) <= 140
    assert all(reply.frame != frame or reply.delay_s > 0 for reply in struck)
    assert all(reply.frame == frame and reply.delay_s == 0 for reply in sent[0] if reply.reading == "certain")
