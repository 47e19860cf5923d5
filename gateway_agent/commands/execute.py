"""One command on the wire: read the registers it depends on, write, read back."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from math import ceil
from typing import Final, TypeVar

from gateway_agent.bus.modbus import Bus, ReplyError
from gateway_agent.bus.read_plan import plan_reads
from gateway_agent.bus.requests import ReadRequest, WriteRequest
from gateway_agent.bus.transport import LineDown
from gateway_agent.commands.checks import CommandRefused, Order, check_command, decide, rules_of
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.fields import Key, Span
from gateway_agent.profile.writes import WriteRule
from wire.messages import Command, Outcome, Result

# Exceptions of Modbus Application Protocol V1.1b3 §7 that refuse nothing: the request is accepted
# and takes its time; the unit is busy and wants to be asked again.
_ACKNOWLEDGE: Final = 5
_BUSY: Final = 6
_BUSY_PAUSE_S: Final = 0.5
_BUSY_TRIES: Final = 6
_READ_TRIES: Final = 2
# After a write the register is read this often without a pause, and then at this pause until the
# unit must have settled.
_READ_BACK_TRIES: Final = 3
_LOOK_EVERY_S: Final = 0.25

Answer = TypeVar("Answer")

TakeTurn = Callable[[str, WriteRule], None]
"""Asked before a point is written by a rule: raises CommandRefused if it was written just now."""


def _always(point: str, rule: WriteRule) -> None:
    """Let every write through: nothing is known of earlier ones."""


def execute(
    command: Command,
    unit: PolledUnit,
    bus: Bus,
    clock: Callable[[], int],
    take_turn: TakeTurn = _always,
) -> Result:
    """The result of `command` on `unit`; expiry counts at the moment of each write.

    Points are set one after the other. The first that cannot be set ends the command, and
    `read_back` of the result holds those before it. No error of the bus is raised.
    """
    read_back: dict[str, float] = {}

    def check() -> None:
        check_command(command, {unit.name: unit.profile}, clock())

    def ended(status: Outcome, reason: str) -> Result:
        return Result(command.id, status, reason, clock(), read_back, command.by)

    try:
        for point, value in command.set.items():
            read_back |= _set(point, value, unit, bus, check, take_turn)
    except CommandRefused as refusal:
        return ended(refusal.status, str(refusal))
    except ReplyError as error:
        return ended("failed", str(error))
    except LineDown:
        return ended("failed", "no_reply")
    return ended("done", "")


def _set(
    point: str,
    value: float,
    unit: PolledUnit,
    bus: Bus,
    check: Callable[[], None],
    take_turn: TakeTurn,
) -> dict[str, float]:
    """Set one point and return what the unit shows; `check` raises if the command is void by now.

    Raises CommandRefused, ReplyError and LineDown.
    """
    check()
    spans = {
        span for rule in rules_of(unit.profile, point) for span in unit.profile.write_spans(rule)
    }
    order = decide(unit.profile, point, value, _read(spans, unit, bus))
    rule = order.rule
    contents = _read([(key, 1) for key in rule.read_first], unit, bus)
    take_turn(point, rule)
    for assignment in rule.unlock:
        _write(
            WriteRequest(assignment.function, assignment.address, (assignment.value,)),
            unit,
            bus,
            check,
        )
    words = WriteRequest(rule.function, rule.first, tuple(rule.words(order.raw, contents)))
    try:
        _write(words, unit, bus, check)
    except ReplyError as error:
        if error.code != "write_unconfirmed":
            raise
        # The register itself shows whether the write was carried out.
    return {point: _confirmed(order, unit, bus)}


def _confirmed(order: Order, unit: PolledUnit, bus: Bus) -> float:
    """The value the unit shows after the write; raises CommandRefused if it is another one."""
    looks = ceil(order.rule.settle_ms / 1_000 / _LOOK_EVERY_S)
    for pause_s in (*[0.0] * _READ_BACK_TRIES, *[_LOOK_EVERY_S] * looks):
        word = _read([(order.rule.key, 1)], unit, bus, pause_s)[order.rule.key]
        value = order.rule.value_in(word, order.scale)
        if order.rule.raw_in(word) == order.raw and value is not None:
            return value
    raise CommandRefused("write_unconfirmed", f"the unit shows {value}", status="failed")


def _read(
    spans: Iterable[Span], unit: PolledUnit, bus: Bus, pause_s: float = 0.0
) -> dict[Key, int]:
    """The registers of `spans`, each request after a silence of at least `pause_s`."""
    registers: dict[Key, int] = {}
    for request in plan_reads(spans, unit.profile.read, unit.line):
        contents = _ask(request, unit, bus, pause_s)
        registers |= zip(request.keys, contents, strict=True)
    return registers


def _ask(request: ReadRequest, unit: PolledUnit, bus: Bus, pause_s: float) -> list[int]:
    timeout_s = unit.profile.read.timeout_ms / 1_000

    def attempt(pacing_s: float) -> list[int]:
        return bus.read(unit.address, request, max(pacing_s, pause_s), timeout_s)

    for _ in range(_READ_TRIES - 1):
        with suppress(ReplyError):
            return _patiently(attempt, unit)
    return _patiently(attempt, unit)


def _write(request: WriteRequest, unit: PolledUnit, bus: Bus, check: Callable[[], None]) -> None:
    timeout_s = unit.profile.read.timeout_ms / 1_000

    def attempt(pacing_s: float) -> None:
        check()
        bus.write(unit.address, request, pacing_s, timeout_s)

    try:
        _patiently(attempt, unit)
    except ReplyError as error:
        if error.exception != _ACKNOWLEDGE:
            raise


def _patiently(attempt: Callable[[float], Answer], unit: PolledUnit) -> Answer:
    """The answer of `attempt`, which takes the silence before its request; a busy unit is asked
    again."""
    pacing_s = unit.profile.read.pacing_ms / 1_000
    for _ in range(_BUSY_TRIES):
        try:
            return attempt(pacing_s)
        except ReplyError as error:
            if error.exception != _BUSY:
                raise
        pacing_s = max(pacing_s, _BUSY_PAUSE_S)
    return attempt(pacing_s)
