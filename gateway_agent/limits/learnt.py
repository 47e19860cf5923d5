"""The limits of one unit beyond its profile. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway_agent.bus.requests import ReadRequest
from gateway_agent.profile.fields import Key
from gateway_agent.profile.schema import Profile


@dataclass(frozen=True, slots=True)
class Learnt:
    """Registers given up, `illegal`, and `borders`: registers that begin a block of their own."""

    illegal: frozenset[Key] = frozenset()
    borders: frozenset[Key] = frozenset()

    @property
    def in_force(self) -> bool:
        """Whether the unit is asked for less than its profile holds, or in more questions."""
        return bool(self.illegal or self.borders)

    def taken_back(self, answered: ReadRequest) -> "Learnt":
        """The limits left after the unit has answered `answered`."""
        keys = answered.keys
        return Learnt(self.illegal.difference(keys), self.borders.difference(keys[1:]))


def without_silent(learnt: Learnt, request: ReadRequest, profile: Profile) -> Learnt:
    """The limits of a unit that has been silent to `request` in several visits.

    The block is cut in two at a value near its middle; a block of a single value is given up.
    """
    starts = [address for (table, address), _ in profile.spans() if table == request.table]
    end = request.address + request.count
    inside = [address for address in starts if request.address < address < end]
    if not inside or profile.read.frames:
        return replace(learnt, illegal=learnt.illegal | set(request.keys))
    middle = request.address + request.count / 2
    cut = min(inside, key=lambda address: (abs(address - middle), address))
    borders = {(request.table, address) for address in (request.address, cut, end)}
    return replace(learnt, borders=learnt.borders | borders)


def registers_text(keys: Iterable[Key]) -> str:
    """`keys` for a log or a person, such as `holding 107, holding 128`."""
    return ", ".join(f"{table} {address}" for table, address in sorted(keys))
