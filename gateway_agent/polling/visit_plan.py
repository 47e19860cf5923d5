"""The requests of each kind of visit to a unit, within the limits it has shown. Pure."""

from collections.abc import Iterator
from typing import Final

from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.read_plan import plan_reads
from gateway_agent.bus.requests import ReadRequest, keys_of
from gateway_agent.limits.learnt import Learnt
from gateway_agent.polling.cadence import Visit
from gateway_agent.profile.fields import Key, Span
from gateway_agent.profile.schema import Profile

_NO_LIMITS: Final = Learnt()


def plan_visits(
    profile: Profile, line: LineAddress, learnt: Learnt = _NO_LIMITS
) -> dict[Visit, list[ReadRequest]]:
    """The requests of each kind of visit to a unit of `profile` on `line` within `learnt`."""
    limits = profile.read
    status = {key for span in profile.status_spans() for key in keys_of(span)}
    # A status poll keeps to its own registers: a measured value, once read, has to be reported.
    measured = {key for span in profile.spans() for key in keys_of(span)} - status
    closed = learnt.illegal if limits.frames else learnt.illegal | measured
    usual = profile.spans(without=limits.slow)
    return {
        "status_poll": plan_reads(profile.status_spans(), limits, line, closed, learnt.borders),
        "read": plan_reads(usual, limits, line, learnt.illegal, learnt.borders),
        "read_all": plan_reads(profile.spans(), limits, line, learnt.illegal, learnt.borders),
    }


def plan_again(profile: Profile, line: LineAddress, learnt: Learnt) -> list[ReadRequest]:
    """The questions that show whether the limits `learnt` of a unit still hold.

    First the blocks as they were before they were cut, then each value given up by itself.
    """
    now = plan_visits(profile, line, learnt)["read_all"]
    uncut = plan_visits(profile, line, Learnt(illegal=learnt.illegal))["read_all"]
    values = (
        request
        for key in sorted(learnt.illegal)
        for span in _values_with(key, profile)
        for request in plan_reads([span], profile.read, line)
    )
    return list(dict.fromkeys([*(block for block in uncut if block not in now), *values]))


def _values_with(key: Key, profile: Profile) -> Iterator[Span]:
    """The values that need register `key`; the register alone if none does."""
    yield from sorted(span for span in profile.spans() if key in keys_of(span)) or [(key, 1)]
