"""A defrost that no register shows: inferred, and not mistaken."""

import threading

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.polling.cadence import Cadence
from gateway_agent.polling.line import PolledLine
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.fields import Key
from gateway_agent.profile.timed_states import Onsets, observe
from tests.gateway_agent.profile.test_decode import PROFILES
from tests.gateway_agent.slaves import TcpSlave
from tests.gateway_agent.test_maps import MapOfTables
from tests.servers import wait_until
from wire.messages import Reading

CHOFU = PROFILES["chofu-grant"]


def chofu(hz: int, supply: int, back: int, coil: int) -> dict[Key, int]:
    words = {10: 1, 1: hz, 9: supply, 0: back, 5: coil & 0xFFFF, 21: 0x7E7D}
    return {("input", address): words.get(address, 0) for address in range(35)}


def chofu_states(polls: list[tuple[int, int, int, int, int]]) -> list[str]:
    states: list[str] = []
    onsets: Onsets = {}
    for at_s, hz, supply, back, coil in polls:
        seen, onsets = observe(CHOFU, chofu(hz, supply, back, coil), onsets, at_s * 1_000)
        states.append(seen.state)
    return states


def test_a_defrost_without_a_flag_is_inferred_after_30_s_and_ends_at_once() -> None:
    polls = [(0, 60, 41, 36, -11), (15, 60, 35, 36, -11), (30, 60, 33, 36, -6), (45, 60, 32, 35, 0),
             (60, 60, 31, 34, 4), (75, 60, 36, 34, 3)]  # fmt: skip
    assert chofu_states(polls) == ["heating", "heating", "heating", "defrost", "defrost", "heating"]


def test_a_cold_start_is_no_defrost_since_the_coil_gets_colder() -> None:
    polls = [(at, 60, 25, 30, 5 - at // 15) for at in range(0, 120, 15)]
    assert set(chofu_states(polls)) == {"heating"}


def test_a_resting_compressor_or_a_long_silence_breaks_the_inference() -> None:
    assert set(chofu_states([(at, 0, 25, 30, at) for at in range(0, 120, 15)])) == {"standby"}
    polls = [(0, 60, 25, 30, -9), (900, 60, 25, 30, 3), (915, 60, 25, 30, 5), (930, 60, 25, 30, 6)]
    assert chofu_states(polls) == [
        "heating", "heating", "heating", "defrost",
    ]  # fmt: skip


def test_an_unread_register_neither_ends_nor_begins_an_inferred_defrost() -> None:
    onsets: Onsets = {}
    for at_s, coil in ((0, -9), (15, -5), (30, 0)):
        seen, onsets = observe(CHOFU, chofu(60, 25, 30, coil), onsets, at_s * 1_000)
    assert seen.state == "defrost"
    part = chofu(60, 25, 30, 2)
    del part[("input", 9)]
    seen, onsets = observe(CHOFU, part, onsets, 45_000)
    assert "state" in seen.bad
    seen, _ = observe(CHOFU, chofu(60, 25, 30, 4), onsets, 60_000)
    assert seen.state == "defrost"


def test_a_line_reports_an_inferred_defrost_as_soon_as_it_has_held() -> None:
    units = MapOfTables({1: {}}, contents=chofu(60, 41, 36, -11))
    slave = TcpSlave(units)
    address = parse_line(f"tcp://127.0.0.1:{slave.port}")
    rules = [rule.model_copy(update={"for_s": 1 if rule.for_s else None}) for rule in CHOFU.state]
    unit = PolledUnit("a", 1, CHOFU.model_copy(update={"state": rules}), address)
    readings: list[Reading] = []
    line = PolledLine(
        Bus(address), [unit], Cadence(60.0, 0.05), readings.extend, lambda: 1_763_740_000_000
    )
    stop = threading.Event()
    thread = threading.Thread(target=line.run, args=(stop,))
    thread.start()
    wait_until(lambda: readings)
    units.contents = chofu(60, 33, 36, -11)
    wait_until(lambda: len(units.asked) > 12)
    units.contents = chofu(60, 31, 35, 2)
    wait_until(lambda: len(readings) == 2)
    units.contents = chofu(60, 38, 35, 1)
    wait_until(lambda: len(readings) == 3)
    stop.set()
    thread.join(10)
    slave.close()
    assert [reading.state for reading in readings] == ["heating", "defrost", "heating"]
