"""The requests of each kind of visit to a unit, within the limits it has shown. Pure."""

from dataclasses import dataclass, replace

from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.read_plan import plan_reads
from gateway_agent.bus.requests import ReadRequest, keys_of
from gateway_agent.polling.cadence import Visit
from gateway_agent.profile.fields import Key
from gateway_agent.profile.schema import Profile


@dataclass(frozen=True, slots=True)
class Learnt:
    """Limits of one unit beyond its profile.

    `illegal` registers, no block longer than `longest`, no block across one of `borders`.
    """

    illegal: frozenset[Key] = frozenset()
    longest: int | None = None
    borders: frozenset[Key] = frozenset()


def plan_visits(
    profile: Profile, line: LineAddress, learnt: Learnt = Learnt()
) -> dict[Visit, list[ReadRequest]]:
    """The requests of each kind of visit to a unit of `profile` on `line` within `learnt`."""
    limits = profile.read.at_most(learnt.longest)
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


def without_silent(learnt: Learnt, request: ReadRequest, profile: Profile) -> Learnt:
    """The limits of a unit that is silent to `request` for good.

    The block is cut in two at a value near its middle; a block of a single value is illegal.
    """
    starts = [address for (table, address), _ in profile.spans() if table == request.table]
    end = request.address + request.count
    inside = [address for address in starts if request.address < address < end]
    if not inside or profile.read.frames:
        return replace(learnt, illegal=learnt.illegal | set(request.keys), borders=frozenset())
    middle = request.address + request.count / 2
    cut = min(inside, key=lambda address: (abs(address - middle), address))
    borders = {(request.table, address) for address in (request.address, cut, end)}
    return replace(learnt, borders=learnt.borders | borders)
