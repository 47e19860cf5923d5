"""The slaves on one line: who answers a request, and what its answering means for the truth."""

from collections.abc import Mapping
from typing import Protocol

from simulators.bus.requests import Answer, Unit, answer


class Slave(Unit, Protocol):
    """A unit on a line, which may be silent and wants to know what a master has certainly or doubtfully read."""

    @property
    def silent(self) -> bool: ...

    def was_read(self, carried: range, doubtful: bool) -> None: ...


Slaves = Mapping[int, Slave]


def reply_of(slaves: Slaves, address: int, request: bytes) -> tuple[Slave, Answer] | None:
    """The addressed slave and its answer, or None where nobody answers."""
    slave = slaves.get(address)
    if slave is None or slave.silent or not request:
        return None
    given = answer(request, slave)
    return None if given.reply is None else (slave, given)
