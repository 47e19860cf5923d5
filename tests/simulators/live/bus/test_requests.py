from hypothesis import given
from hypothesis import strategies as st

from simulators.live.bus.requests import answer
from simulators.registers.fields import RegisterRef, Table
from simulators.registers.refusals import RefusedError
from simulators.registers.writes import Write


class Store:
    """The registers 0…99 of every table."""

    def __init__(self, refuses_in_silence: bool = False) -> None:
        self.words: dict[RegisterRef, int] = {}
        self._silence = refuses_in_silence

    @property
    def refuses_in_silence(self) -> bool:
        return self._silence

    def read(self, table: Table, address: int, count: int) -> list[int]:
        if address + count > 100:
            raise RefusedError(2)
        return [self.words.get(RegisterRef(table, at), 0) for at in range(address, address + count)]

    def write(self, write: Write) -> None:
        if write.address + len(write.values) > 100:
            raise RefusedError(2)
        self.words |= write.words


def ask(store: Store, request: str) -> str | None:
    reply = answer(bytes.fromhex(request), store).reply
    return None if reply is None else reply.hex()


@given(st.binary(min_size=1, max_size=260), st.booleans())
def test_any_request_gets_a_reply_an_exception_or_silence(request: bytes, silence: bool) -> None:
    given_answer = answer(request, Store(silence))
    if given_answer.reply is None:
        assert silence
    else:
        assert given_answer.reply[0] in (request[0], request[0] | 0x80)
        assert 2 <= len(given_answer.reply) <= 253


def test_registers_are_written_one_by_one_and_in_blocks_and_read_back() -> None:
    store = Store()
    assert ask(store, "060003002a") == "060003002a"
    assert ask(store, "10000400020400010002") == "1000040002"
    given_answer = answer(bytes.fromhex("0300030003"), store)
    assert given_answer.reply == bytes.fromhex("0306002a00010002")
    assert given_answer.carried == {RegisterRef("holding", at) for at in (3, 4, 5)}
    assert ask(store, "0400030003") == "0406000000000000"  # another table


def test_coils_are_written_one_by_one_and_in_blocks_and_read_back_packed() -> None:
    store = Store()
    assert ask(store, "050001ff00") == "050001ff00"
    assert ask(store, "0f0008000a02ff01") == "0f0008000a"
    assert ask(store, "0100000014") == "010302ff01"
    assert ask(store, "0500010000") == "0500010000"
    assert ask(store, "0100000002") == "010100"
    assert ask(store, "0200000002") == "020100"
    assert ask(store, "0500010001") == "8503"


def test_what_is_refused_is_refused_by_exception_or_in_silence() -> None:
    for request, exception in (
        *(
            ("0300630002", "8302"),
            ("0300000000", "8303"),
            ("030000007e", "8303"),
            ("0700000001", "8701"),
        ),
        *(("0600c80001", "8602"), ("10000400020300010002", "9003"), ("0f0008000a01ff", "8f03")),
    ):
        assert ask(Store(), request) == exception
        assert ask(Store(refuses_in_silence=True), request) is None
