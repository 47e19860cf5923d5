"""One command on the wire: read the registers it depends on, write, read back."""

from collections.abc import Callable, Iterable
from typing import Final

from gateway_agent.bus.modbus import Bus, ReplyError
from gateway_agent.bus.read_plan import plan_reads
from gateway_agent.bus.requests import WriteRequest
from gateway_agent.bus.transport import LineDown
from gateway_agent.commands.checks import CommandRefused, Order, check_command, decide, rules_of
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.fields import Key, Span
from wire.messages import Command, Result

# Some controllers take a moment before a register shows its new content.
_READ_BACK_TRIES: Final = 3
_READ_TRIES: Final = 2


def execute(command: Command, unit: PolledUnit, bus: Bus, clock: Callable[[], int]) -> Result:
    """The result of `command` on `unit`; expiry counts at the moment of each write.

    Points are set one after the other. The first that cannot be set ends the command, and
    `read_back` of the result holds those before it. No error of the bus is raised.
    """
    read_back: dict[str, float] = {}
    try:
        for point, value in command.set.items():
            check_command(command, {unit.name: unit.profile}, clock())
            read_back |= _set(point, value, unit, bus)
    except CommandRefused as refusal:
        return Result(command.id, refusal.status, str(refusal), clock(), read_back)
    except ReplyError as error:
        return Result(command.id, "failed", str(error), clock(), read_back)
    except LineDown:
        return Result(command.id, "failed", "no_reply", clock(), read_back)
    return Result(command.id, "done", "", clock(), read_back)


def _set(point: str, value: float, unit: PolledUnit, bus: Bus) -> dict[str, float]:
    spans = {
        span for rule in rules_of(unit.profile, point) for span in unit.profile.write_spans(rule)
    }
    order = decide(unit.profile, point, value, _read(spans, unit, bus))
    rule = order.rule
    contents = _read([(key, 1) for key in rule.read_first], unit, bus)
    for assignment in rule.unlock:
        _write(
            WriteRequest(assignment.function, assignment.address, (assignment.value,)), unit, bus
        )
    words = WriteRequest(rule.function, rule.first, tuple(rule.words(order.raw, contents)))
    try:
        _write(words, unit, bus)
    except ReplyError as error:
        if error.code != "write_unconfirmed":
            raise
        # The register itself shows whether the write was carried out.
    return {point: _confirmed(order, unit, bus)}


def _confirmed(order: Order, unit: PolledUnit, bus: Bus) -> float:
    """The value the unit shows after the write; raises CommandRefused if it is another one."""
    for _ in range(_READ_BACK_TRIES):
        word = _read([(order.rule.key, 1)], unit, bus)[order.rule.key]
        value = order.rule.value_in(word, order.scale)
        if order.rule.raw_in(word) == order.raw and value is not None:
            return value
    raise CommandRefused("write_unconfirmed", f"the unit shows {value}", status="failed")


def _read(spans: Iterable[Span], unit: PolledUnit, bus: Bus) -> dict[Key, int]:
    limits = unit.profile.read
    registers: dict[Key, int] = {}
    for request in plan_reads(spans, limits, unit.line):
        for left in reversed(range(_READ_TRIES)):
            try:
                contents = bus.read(
                    unit.address, request, limits.pacing_ms / 1_000, limits.timeout_ms / 1_000
                )
            except ReplyError:
                if not left:
                    raise
            else:
                registers |= zip(request.keys, contents, strict=True)
                break
    return registers


def _write(request: WriteRequest, unit: PolledUnit, bus: Bus) -> None:
    limits = unit.profile.read
    bus.write(unit.address, request, limits.pacing_ms / 1_000, limits.timeout_ms / 1_000)
