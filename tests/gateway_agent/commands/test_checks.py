"""Commands: what is refused and why, what reaches the wire, and that nothing else ever does."""

import random
import tomllib
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.bus.transport import LineDown
from gateway_agent.commands.checks import CommandRefused, check_command, decide
from gateway_agent.commands.execute import execute
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.loading import load_profile
from tests.gateway_agent.slaves import crc
from wire.messages import Command, Result
from wire.points import POINTS

NOW = 1_763_740_010_000
PROFILES = Path(__file__).parents[3] / "config" / "profiles"
NAMES = ("midea-mthermal", "phnix", "solareast-oem", "gree-versati", "haier-yr-e27", "chofu-grant")
LINE = parse_line("serial:///dev/none?baud=115200")
WATER = {0: 2, 1: 3, 3: 50, 5: 0, 11: 35, 189: 0, 203: 55, 204: 25, 205: 60, 206: 34}
ROOM = WATER | {0: 1}

Frame = tuple[int, int, tuple[int, ...]]
"""Function, address and contents of a write."""


crc_of = lru_cache(100_000)(crc)


class RecordingLink:
    """A line in memory with one unit on it: real frames in and out, every write frame kept."""

    repeated = False

    def __init__(self, registers: dict[int, int], coils: dict[int, int] | None = None) -> None:
        self.registers, self.coils = registers, coils or {}
        self.writes: list[Frame] = []
        self.deaf = False
        self.stubborn = False
        self.silent_writes = False
        self.refuses: set[int] = set()
        self._reply = b""

    def send(self, frame: bytes) -> None:
        assert crc_of(frame[:-2]) == frame[-2:]
        unit, function, address, count = (
            frame[0],
            frame[1],
            int.from_bytes(frame[2:4]),
            int.from_bytes(frame[4:6]),
        )
        reply = (
            self._write(frame)
            if function in (5, 6, 15, 16)
            else self._read(function, address, count)
        )
        body = bytes((unit,)) + reply
        self._reply = b"" if self.deaf or not reply else body + crc_of(body)

    def _read(self, function: int, address: int, count: int) -> bytes:
        if function in (1, 2):
            bits = sum(self.coils.get(address + bit, 0) << bit for bit in range(count))
            return bytes((function, (count + 7) // 8)) + bits.to_bytes((count + 7) // 8, "little")
        words = b"".join(
            self.registers.get(address + offset, 0).to_bytes(2) for offset in range(count)
        )
        return bytes((function, 2 * count)) + words

    def _write(self, frame: bytes) -> bytes:
        function, address, second = frame[1], int.from_bytes(frame[2:4]), int.from_bytes(frame[4:6])
        values: tuple[int, ...] = (second,)
        if function == 16:
            values = tuple(int.from_bytes(frame[at : at + 2]) for at in range(7, len(frame) - 2, 2))
        self.writes.append((function, address, values))
        if address in self.refuses:
            return bytes((function | 0x80, 2))
        if not self.stubborn:
            table = self.coils if function == 5 else self.registers
            table |= {
                address + offset: int(v == 0xFF00) if function == 5 else v
                for offset, v in enumerate(values)
            }
        return b"" if self.silent_writes else frame[1:6]

    def receive(self, timeout_s: float) -> bytes:
        reply, self._reply = self._reply, b""
        return reply

    def forget(self) -> None:
        pass

    def close(self) -> None:
        pass


def unit_of(name: str) -> PolledUnit:
    return PolledUnit("a", 1, load_profile(name, [PROFILES]), LINE)


MIDEA = unit_of("midea-mthermal")


def command(
    value: float, point: str = "setpoint_c", device: str = "a", expires_at: int = NOW + 1
) -> Command:
    return Command("c-1", device, {point: value}, expires_at, "somebody")


def carry_out(registers: dict[int, int], wanted: Command) -> tuple[Result, RecordingLink]:
    link = RecordingLink(dict(registers))
    return execute(wanted, MIDEA, Bus(LINE, lambda _: link), lambda: NOW), link


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (command(42.0, expires_at=NOW), "expired"),
        (
            command(42.0, expires_at=NOW + 86_400_001),
            "expiry_too_far: let it expire within 24 hours",
        ),
        (command(42.0, device="b"), "not_writable"),
        (command(42.0, point="supply_c"), "not_writable"),
        (command(42.0, point="factory_reset"), "not_writable"),
        (Command("c", "a", {}, NOW + 1, "x"), "not_writable"),
        (Command("c", "a", {"setpoint_c": 42.0, "power_w": 1.0}, NOW + 1, "x"), "not_writable"),
        (command(60.5), "out_of_bounds"),
        (command(4.9), "out_of_bounds"),
        (command(float("nan")), "out_of_bounds"),
        (command(float("inf")), "out_of_bounds"),
    ],
)
def test_what_is_refused_without_asking_the_unit(wanted: Command, reason: str) -> None:
    with pytest.raises(CommandRefused, match=f"^{reason}$") as refused:
        check_command(wanted, {"a": MIDEA.profile}, NOW)
    assert refused.value.status == ("expired" if reason == "expired" else "rejected")


@pytest.mark.parametrize(
    ("registers", "value", "reason"),
    [
        (WATER, 56, "out_of_bounds"),  # above register 203
        (WATER, 24, "out_of_bounds"),  # below register 204
        (WATER, 42.5, "out_of_bounds"),  # no half degrees in 1 °C resolution
        (ROOM, 30.5, "out_of_bounds"),
        (ROOM, 16.5, "out_of_bounds"),  # below register 206
        (WATER | {1: 2}, 42, "not_writable: the unit is not in heating mode"),
        (WATER | {5: 1 << 12}, 42, "not_writable: the weather curve sets the water temperature"),
    ],
)
def test_what_the_unit_itself_forbids(registers: dict[int, int], value: float, reason: str) -> None:
    result, link = carry_out(registers, command(value))
    assert (result.status, result.reason, link.writes) == ("rejected", reason, [])


@pytest.mark.parametrize(
    ("registers", "value", "write"),
    [
        (WATER, 42, (16, 11, (42,))),
        (WATER | {189: 0x100}, 42.5, (16, 11, (425,))),
        (ROOM, 21.5, (16, 3, (43,))),
    ],
)
def test_what_is_allowed_is_written_and_read_back(
    registers: dict[int, int], value: float, write: Frame
) -> None:
    result, link = carry_out(registers, command(value))
    assert (result.status, result.reason, result.read_back) == ("done", "", {"setpoint_c": value})
    assert link.writes == [write]


def test_a_register_that_could_not_be_read_allows_nothing() -> None:
    contents = {("holding", address): word for address, word in WATER.items()}
    for missing in (
        ("holding", 203),
        ("holding", 204),
        ("holding", 0),
        ("holding", 1),
        ("holding", 189),
    ):
        known = {key: word for key, word in contents.items() if key != missing}
        with pytest.raises(CommandRefused):
            decide(MIDEA.profile, "setpoint_c", 42, known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fault", "reason", "writes"),
    [
        ({"deaf": True}, "no_reply", 0),
        ({"refuses": {11}}, "device_exception: exception 2", 1),
        ({"stubborn": True}, "write_unconfirmed: the unit shows 35.0", 1),
    ],
)
def test_a_write_that_does_not_take_is_failed_and_never_repeated(
    fault: dict[str, Any], reason: str, writes: int
) -> None:
    link = RecordingLink(dict(WATER))
    for name, value in fault.items():
        setattr(link, name, value)
    profile = MIDEA.profile.model_copy(
        update={"read": MIDEA.profile.read.model_copy(update={"timeout_ms": 20})}
    )
    result = execute(
        command(42), PolledUnit("a", 1, profile, LINE), Bus(LINE, lambda _: link), lambda: NOW
    )
    assert (result.status, result.reason, len(link.writes)) == ("failed", reason, writes)


def test_a_lost_echo_is_settled_by_reading_back() -> None:
    link = RecordingLink(dict(WATER))
    link.silent_writes = True
    profile = MIDEA.profile.model_copy(
        update={"read": MIDEA.profile.read.model_copy(update={"timeout_ms": 20})}
    )
    bus = Bus(LINE, lambda _: link)
    result = execute(command(42), PolledUnit("a", 1, profile, LINE), bus, lambda: NOW)
    assert (result.status, result.read_back, len(link.writes)) == ("done", {"setpoint_c": 42.0}, 1)
    assert bus.errors["write_unconfirmed"] == 1


def test_a_line_that_is_down_is_said() -> None:
    def unplugged(_: object) -> RecordingLink:
        raise LineDown("no such port")

    result = execute(command(42), MIDEA, Bus(LINE, unplugged), lambda: NOW)
    assert (result.status, result.reason) == ("failed", "no_reply")


def test_a_command_that_waited_too_long_for_its_line_is_expired() -> None:
    link = RecordingLink(dict(WATER))
    result = execute(command(42), MIDEA, Bus(LINE, lambda _: link), lambda: NOW + 1)
    assert (result.status, link.writes) == ("expired", [])


def fuzzed(generator: random.Random) -> Command:
    """Mostly wrong in one way or another; now and then just right."""
    value = generator.choice(
        [
            *[float(generator.randrange(17, 62)) for _ in range(4)],
            generator.randrange(0, 1400) / 20,
            generator.uniform(-1e6, 1e6),
            generator.choice(
                [float("nan"), float("inf"), -float("inf"), -0.0, 1e308, 65_535.0, 65_578.0, 4.2e-9]
            ),
        ]
    )
    point = generator.choice(
        ["setpoint_c"] * 30 + [*POINTS, "", "setpoint_c ", "register_11", "on_off"]
    )
    wanted = {point: value}
    if generator.random() < 0.1:
        wanted[generator.choice([*POINTS, "x"])] = value
    device = generator.choice(["a"] * 9 + ["b", "", "A"])
    expires_at = generator.choice([NOW + 1, NOW + 60_000, NOW + 10**9, 2**53, NOW, NOW - 1])
    return Command(f"c-{generator.random()}", device, wanted, expires_at, "fuzz")


def midea_allows(registers: dict[int, int], frame: Frame) -> bool:
    """The map's own words (V4.7 and the live dump), written down once more by hand."""
    function, address, contents = frame
    if function != 16 or len(contents) != 1:
        return False
    room = registers[0] & 3 == 1
    if address == 3:
        return room and max(34, registers[206]) <= contents[0] <= min(60, registers[205])
    divisor = 10 if registers[189] & 0x100 else 1
    within = (
        max(5, registers[204] & 0xFF) <= contents[0] / divisor <= min(60, registers[203] & 0xFF)
    )
    return (
        address == 11 and not room and within and registers[1] == 3 and not registers[5] >> 12 & 1
    )


def test_of_60000_fuzzed_commands_no_illegal_frame_reaches_a_midea_unit() -> None:
    generator = random.Random(60_000)
    outcomes: Counter[str] = Counter()
    link = RecordingLink({})
    bus = Bus(LINE, lambda _: link)
    for _ in range(60_000):
        state = WATER | {
            0: generator.randrange(8),
            1: generator.choice([3, 3, 3, 2, 1]),
            5: generator.choice([0, 0, 1 << 12]),
            189: generator.choice([0, 0x100]),
            203: generator.choice([55, 60 << 8 | 45, 255, 0]),
            205: generator.choice([60, 48, 0]),
        }
        link.registers, before = dict(state), len(link.writes)
        wanted = fuzzed(generator)
        result = execute(wanted, MIDEA, bus, lambda: NOW)
        outcomes[result.status] += 1
        written = link.writes[before:]
        assert all(midea_allows(state, frame) for frame in written), (wanted, state, written)
        assert len(written) == (result.status == "done")
        assert not written or (
            wanted.expires_at > NOW and wanted.device == "a" and set(wanted.set) == {"setpoint_c"}
        )
    assert outcomes["done"] > 500
    assert outcomes["rejected"] > 20_000
    assert outcomes["failed"] == 0


def allowed_frames(
    document: dict[str, Any],
) -> dict[tuple[int, int, int], list[tuple[float, float, float]]]:
    """From (function, address, count) to (lowest, highest, divisor), read from the file itself."""
    allowed: dict[tuple[int, int, int], list[tuple[float, float, float]]] = {}
    for rule in document["write"]:
        block = rule.get("block", {"from": rule["address"], "to": rule["address"]})
        key = (rule.get("function", 16), block["from"], block["to"] - block["from"] + 1)
        allowed.setdefault(key, []).append(
            (rule["minimum"], rule["maximum"], rule.get("divisor", 1))
        )
        for unlock in rule.get("unlock", []):
            allowed.setdefault((unlock.get("function", 16), unlock["address"], 1), [])
    return allowed


@pytest.mark.parametrize("name", NAMES[1:])
def test_of_8000_fuzzed_commands_no_illegal_frame_reaches_any_other_unit(name: str) -> None:
    generator = random.Random(name)
    unit = unit_of(name)
    document = tomllib.loads((PROFILES / f"{name}.toml").read_text(encoding="utf-8"))
    allowed = allowed_frames(document)
    tried = 0
    for _ in range(8_000):
        contents = {
            at: generator.choice([0, 1, 4, 5, 200, 600])
            for at in {*range(400), *range(1150, 1170), 0x304}
        }
        coils = {at: generator.randrange(2) for at in range(40)}
        link = RecordingLink(contents, coils)
        execute(fuzzed(generator), unit, Bus(LINE, lambda _, link=link: link), lambda: NOW)  # type: ignore[misc]
        for function, address, words in link.writes:
            limits = allowed[(function, address, len(words))]
            tried += 1
            if limits and len(words) == 1:
                assert any(low <= words[0] / divisor <= high for low, high, divisor in limits), (
                    address,
                    words,
                )
    assert tried > 20
