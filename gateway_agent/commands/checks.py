"""Checks of a command: allow-list, bounds, expiry, conditions. Pure.

Codes are those of reliability §3. The sender is not trusted: the broker's ACL and the server check
too, and a command that gets past both still reaches only registers that the unit's profile lists as
writable. Register contents and the clock are arguments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal

from gateway_agent.profile.decode import Registers, holds, quantity, scale_of
from gateway_agent.profile.fields import Key, Scale
from gateway_agent.profile.schema import Profile
from gateway_agent.profile.writes import WriteRule
from wire.messages import Command, Result
from wire.units import DAY_MS

RefusalCode = Literal[
    "not_writable",
    "out_of_bounds",
    "expired",
    "expiry_too_far",
    "too_many",
    "too_soon",
    "not_recorded",
    "interrupted",
    "write_unconfirmed",
]
Status = Literal["rejected", "failed", "expired"]

LONGEST_VALIDITY_MS: Final = DAY_MS
"""A command is for now: one that is valid for longer could come back, and be obeyed, much later."""


class CommandRefused(Exception):  # noqa: N818 - a state or an answer, not a mistake of ours
    """A command is not carried out; `code` names the reason, `detail` is for people."""

    def __init__(self, code: RefusalCode, detail: str = "", status: Status = "rejected") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.status = status

    def result(self, command: Command, now: int) -> Result:
        """The result of `command` that its sender gets; `now` is UTC ms."""
        return Result(command.id, self.status, str(self), now, by=command.by)


@dataclass(frozen=True, slots=True)
class Order:
    """A write that is allowed: the number `raw` by `rule`, whose contents `scale` reads back."""

    rule: WriteRule
    raw: int
    scale: Scale


def check_command(command: Command, profiles: Mapping[str, Profile], now: int) -> None:
    """Raise CommandRefused if `command` can be refused without the unit's registers.

    `profiles` are by device; `now` is UTC ms.
    """
    if now >= command.expires_at:
        raise CommandRefused("expired", status="expired")
    if command.expires_at - now > LONGEST_VALIDITY_MS:
        raise CommandRefused("expiry_too_far", "let it expire within 24 hours")
    profile = profiles.get(command.device)
    if profile is None or not command.set:
        raise CommandRefused("not_writable")
    rules = {point: rules_of(profile, point) for point in command.set}
    if not all(rules.values()):
        raise CommandRefused("not_writable")
    for point, value in command.set.items():
        if not any(_within(rule, value) for rule in rules[point]):
            raise CommandRefused("out_of_bounds")


def rules_of(profile: Profile, point: str) -> list[WriteRule]:
    """The rules to write `point`, without those that write a denied register."""
    return [
        rule for rule in profile.write if rule.point == point and not _denied(profile, rule.written)
    ]


def pause_left_ms(last: int | None, now: int, rule: WriteRule) -> int:
    """How long a write by `rule` has to wait since that at `last`; 0 if it may be done at `now`.

    Times are UTC ms. A last write in the future means that the clock was set back: it says nothing.
    """
    if last is None or last > now:
        return 0
    return max(0, last + rule.pause_s * 1_000 - now)


def decide(profile: Profile, point: str, value: float, registers: Registers) -> Order:
    """The write that sets `point` to `value` on a unit with the contents `registers`.

    `registers` hold all of `Profile.write_spans` that could be read. Raises CommandRefused.
    """
    rule = _rule_now(profile, point, registers)
    for requirement in rule.requires:
        if not holds(profile, registers, [requirement]):
            raise CommandRefused("not_writable", requirement.reason)
    scale = scale_of(profile, registers, rule.scale, rule)
    if scale is None:
        raise CommandRefused("not_writable", "its scale is unknown")
    if not (_within(rule, value) and _within_registers(profile, rule, value, registers)):
        raise CommandRefused("out_of_bounds")
    raw = rule.raw(value, scale)
    if raw is None:
        raise CommandRefused("out_of_bounds")
    return Order(rule, raw, scale)


def _rule_now(profile: Profile, point: str, registers: Registers) -> WriteRule:
    for rule in rules_of(profile, point):
        verdict = holds(profile, registers, rule.when)
        if verdict is None:
            raise CommandRefused("not_writable", "the state of the unit is unknown")
        if verdict:
            return rule
    raise CommandRefused("not_writable", "not in this state of the unit")


def _within(rule: WriteRule, value: float) -> bool:
    return isfinite(value) and rule.minimum <= value <= rule.maximum


def _within_registers(
    profile: Profile, rule: WriteRule, value: float, registers: Registers
) -> bool:
    """Whether the unit's own limits allow `value`; a limit that cannot be read allows nothing."""
    lower = [quantity(profile, registers, limit) for limit in rule.lower]
    upper = [quantity(profile, registers, limit) for limit in rule.upper]
    return all(low is not None and low <= value for low in lower) and all(
        high is not None and value <= high for high in upper
    )


def _denied(profile: Profile, keys: list[Key]) -> bool:
    return any(denied.covers(key) for key in keys for denied in profile.deny)
