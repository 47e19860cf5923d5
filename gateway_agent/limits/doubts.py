"""When a refusal is believed. Pure.

A unit that is busy, a line with noise or a converter that starts up refuses for a moment what it
answers again in the next visit.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, TypeVar

from gateway_agent.bus.requests import ReadRequest
from gateway_agent.limits.learnt import Learnt, without_silent
from gateway_agent.profile.fields import Key
from gateway_agent.profile.schema import Profile

Doubt = TypeVar("Doubt")

# Visits in a row with a refusal. A unit that refuses one question in seven, whatever it is, refuses
# a single register twice in each of five visits once in 280 million times.
BELIEVED_AFTER: Final = 5
# A block unanswered in this many visits in a row, while others were answered, is refused in silence
# (bus-quirks row 1). With two questions a visit, a line that loses 5 % of its replies makes that
# of a good block once in 60 million visits. Fewer visits than above: each costs two time-outs.
SILENCE_BELIEVED_AFTER: Final = 3


@dataclass(slots=True)
class Refusals:
    """What one visit showed: blocks `answered`, registers `refused`, blocks `silent`.

    `too_long` holds the first register of a second half that was answered, as was the first half,
    after the whole block was refused. `last_failure` is a reply code, with an exception's number.
    """

    answered: list[ReadRequest] = field(default_factory=list)
    refused: set[Key] = field(default_factory=set)
    too_long: set[Key] = field(default_factory=set)
    silent: set[ReadRequest] = field(default_factory=set)
    last_failure: str = "no_reply"


@dataclass(slots=True)
class Doubts:
    """Refusals not yet believed, each with the visits in a row that showed it."""

    _refused: Counter[Key] = field(default_factory=Counter)
    _too_long: Counter[Key] = field(default_factory=Counter)
    _silent: Counter[ReadRequest] = field(default_factory=Counter)

    def was_silent(self, request: ReadRequest) -> bool:
        """Whether `request` had no answer when it was asked last."""
        return request in self._silent

    def weigh(self, learnt: Learnt, visit: Refusals, profile: Profile) -> Learnt:
        """The limits of a unit of `profile` that showed `visit`; `learnt` were its limits."""
        for request in visit.answered:
            self._clear(request)
        self._refused.update(visit.refused)
        self._too_long.update(visit.too_long)
        self._silent.update(visit.silent)
        illegal = learnt.illegal | _believed(self._refused, BELIEVED_AFTER)
        borders = learnt.borders | _believed(self._too_long, BELIEVED_AFTER)
        learnt = Learnt(illegal, borders)
        for request in _believed(self._silent, SILENCE_BELIEVED_AFTER):
            learnt = without_silent(learnt, request, profile)
        return learnt

    def _clear(self, request: ReadRequest) -> None:
        self._silent.pop(request, None)
        first, *others = request.keys
        self._refused.pop(first, None)
        for key in others:
            self._refused.pop(key, None)
            self._too_long.pop(key, None)


def _believed(doubts: Counter[Doubt], after: int) -> set[Doubt]:
    """Take those seen in `after` visits out of `doubts`."""
    believed = {doubt for doubt, visits in doubts.items() if visits >= after}
    for doubt in believed:
        del doubts[doubt]
    return believed
