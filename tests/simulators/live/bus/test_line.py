import pytest

from simulators.live.bus.frames import Request, SlaveSerialFraming, serial_frame
from simulators.live.bus.line import SimulatedLine
from simulators.registers.fields import RegisterRef
from simulators.registers.serial_format import SerialFormat
from simulators.unit.quirks import Quirks
from tests.simulators.live.bus.test_requests import Store

READ = Request(1, bytes.fromhex("0300000002"))
LONG_AGO = 0.0


class Pump(Store):
    """A slave that notes what masters have read."""

    def __init__(self, silent: bool = False) -> None:
        super().__init__()
        self.silent = silent
        self.seen: list[tuple[frozenset[RegisterRef], bool]] = []

    def was_read(self, carried: frozenset[RegisterRef], doubtful: bool) -> None:
        self.seen.append((carried, doubtful))


def line(
    quirks: Quirks, serial: SerialFormat | None = None, slave: Pump | None = None
) -> SimulatedLine:
    return SimulatedLine({1: slave or Pump()}, quirks, 5, serial)


def test_a_reply_takes_its_time_on_the_wire_and_the_slow_ones_more() -> None:
    serial = SerialFormat(9600, "E")
    expected = serial.exchange_s(8, 9)
    for quirks, delay_s in (
        ({}, expected),
        ({"slow": 0.5}, expected + 0.5),
        ({"late": 1.0}, expected + 2.5),
    ):
        delivery = line(quirks, serial).ask(READ, SlaveSerialFraming(), LONG_AGO)
        assert delivery is not None
        assert delivery.sent.delay_s == pytest.approx(delay_s)
    delivery = line({}).ask(READ, SlaveSerialFraming(), LONG_AGO)
    assert delivery is not None
    assert delivery.sent.delay_s == 0.0


def test_a_request_too_soon_after_the_frame_before_is_not_heard() -> None:
    serial = SerialFormat(9600)
    one = line({"gap": 0.1}, serial)
    end = serial.exchange_s(8, 9)
    assert one.ask(READ, SlaveSerialFraming(), 0.0) is not None
    assert one.ask(READ, SlaveSerialFraming(), end + 0.09) is None
    heard_at = end + 0.09 + serial.frame_s(8) + 0.1
    assert one.ask(READ, SlaveSerialFraming(), heard_at + 0.001) is not None


def test_strangers_and_silent_units_do_not_answer() -> None:
    assert line({}).ask(Request(2, READ.message), SlaveSerialFraming(), LONG_AGO) is None
    assert line({}, slave=Pump(silent=True)).ask(READ, SlaveSerialFraming(), LONG_AGO) is None


@pytest.mark.parametrize(
    ("quirks", "seen"), [({}, [False]), ({"noise": 1.0}, [True]), ({"crc": 1.0}, [])]
)
def test_a_slave_learns_what_was_read_and_what_may_have_been(
    quirks: Quirks, seen: list[bool]
) -> None:
    slave = Pump()
    delivery = line(quirks, slave=slave).ask(READ, SlaveSerialFraming(), LONG_AGO)
    assert delivery is not None
    delivery.delivered()
    assert slave.seen == [
        (frozenset({RegisterRef("holding", 0), RegisterRef("holding", 1)}), doubt) for doubt in seen
    ]


def test_a_converter_answers_for_strangers_and_silent_units() -> None:
    for one, request in (
        (line({"converter": 1}), Request(2, READ.message)),
        (line({"converter": 1}, slave=Pump(silent=True)), READ),
    ):
        delivery = one.ask(request, SlaveSerialFraming(), LONG_AGO)
        assert delivery is not None
        delivery.delivered()
        assert delivery.sent.frame == serial_frame(request.address, bytes((0x83, 0x0B)))


def test_a_unit_asleep_is_woken_by_the_first_request_and_answers_the_second() -> None:
    one = line({"asleep": 10})
    asked = [one.ask(READ, SlaveSerialFraming(), at) is not None for at in (0, 1, 11, 22, 23)]
    assert asked == [False, True, True, False, True]


def test_a_converter_answers_for_a_unit_asleep() -> None:
    delivery = line({"asleep": 10, "converter": 1}).ask(READ, SlaveSerialFraming(), 0)
    assert delivery is not None
    assert delivery.sent.frame == serial_frame(READ.address, bytes((0x83, 0x0B)))


def test_a_share_of_the_reads_is_refused() -> None:
    one = line({"refusals": 0.2})
    sent = [one.ask(READ, SlaveSerialFraming(), LONG_AGO) for _ in range(1_000)]
    refused = [each for each in sent if each is not None and each.sent.frame[1] == 0x83]
    assert len(sent) == 1_000
    assert 140 <= len(refused) <= 260
    assert not any(each.answer.carried for each in refused)


def test_the_adapter_is_pulled_out_at_a_share_of_requests() -> None:
    one = line({"unplug": 0.1})
    assert 60 <= sum(one.is_pulled_out(1) for _ in range(1_000)) <= 140
    assert not any(line({}).is_pulled_out(1) for _ in range(100))
    assert (line({"clients": 3}).clients, line({}).clients) == (3, None)
