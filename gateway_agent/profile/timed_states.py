"""States that no register shows, inferred from what has held for a while. Pure; the clock is passed
in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway_agent.profile.decode import Observation, Registers, decode, holds
from gateway_agent.profile.fields import Key, RegisterCondition
from gateway_agent.profile.schema import Profile, StateRule

# A unit that was silent for longer may have done anything meanwhile, so that what held before has
# to hold anew.
_BREAK_MS: Final = 300_000


@dataclass(frozen=True, slots=True)
class Onset:
    """When a timed rule began to hold, when it was last seen to, and the contents of its rising
    registers then."""

    began_ms: int
    seen_ms: int
    contents: Mapping[Key, int]


Onsets = Mapping[int, Onset]
"""By the index of the state rule, for those that hold now."""


def observe(
    profile: Profile, registers: Registers, before: Onsets, at_ms: int
) -> tuple[Observation, Onsets]:
    """What `registers`, read at `at_ms`, mean under `profile`, and what the next poll of this unit
    needs as `before`.

    The clock may be any that counts milliseconds and does not step back.
    """
    onsets = {
        index: onset
        for index, rule in enumerate(profile.state)
        if rule.for_s is not None
        and (onset := _onset(profile, rule, registers, before.get(index), at_ms)) is not None
    }
    settled = {
        index for index, onset in onsets.items() if _has_settled(profile, index, onset, registers)
    }
    return decode(profile, registers, settled), onsets


def _onset(
    profile: Profile, rule: StateRule, registers: Registers, before: Onset | None, at_ms: int
) -> Onset | None:
    verdict = holds(profile, registers, rule.when)
    if verdict is None:  # unread says neither that it goes on nor that it ended
        return before
    if not verdict:
        return None
    if before is not None and at_ms - before.seen_ms <= _BREAK_MS:
        return Onset(before.began_ms, at_ms, before.contents)
    contents = {profile.key(place): registers[profile.key(place)] for place in _rising(rule)}
    return Onset(at_ms, at_ms, contents)


def _has_settled(profile: Profile, index: int, onset: Onset, registers: Registers) -> bool:
    rule = profile.state[index]
    if rule.for_s is None or onset.seen_ms - onset.began_ms < rule.for_s * 1_000:
        return False
    keys = [(condition, profile.key(condition)) for condition in _rising(rule)]
    return all(
        key in registers
        and condition.number(registers[key]) > condition.number(onset.contents[key])
        for condition, key in keys
    )


def _rising(rule: StateRule) -> list[RegisterCondition]:
    return [condition for condition in rule.when if condition.rising]
