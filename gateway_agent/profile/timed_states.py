"""States that no register shows, inferred from conditions that have held for a while. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway_agent.profile.decode import Observation, Registers, decode, holds
from gateway_agent.profile.fields import Key, RegisterCondition
from gateway_agent.profile.schema import Profile, StateRule

# After a longer silence of the unit its conditions have to hold anew: they may have been broken.
_BREAK_MS: Final = 300_000


@dataclass(frozen=True, slots=True)
class Onset:
    """When a timed rule began to hold and was last seen to hold, in milliseconds.

    `contents` are those of its rising registers when it began.
    """

    began_ms: int
    seen_ms: int
    contents: Mapping[Key, int]


Onsets = Mapping[int, Onset]
"""The onsets of the rules that hold now, by the index of the state rule."""


def observe(
    profile: Profile, registers: Registers, before: Onsets, at_ms: int
) -> tuple[Observation, Onsets]:
    """The observation that `registers`, read at `at_ms`, give, and `before` of the next poll.

    `at_ms` comes from a clock that counts milliseconds and does not step back.
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
    if verdict is None:  # an unread register neither ends nor extends it
        return before
    if not verdict:
        return None
    if before is not None and at_ms - before.seen_ms <= _BREAK_MS:
        return Onset(before.began_ms, at_ms, before.contents)
    contents = {key: registers[key] for key in map(profile.key, _rising(rule))}
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
