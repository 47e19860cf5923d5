"""The part of a block's result that replay and season share."""

from dataclasses import dataclass

from rules.transitions.raised import Raised


@dataclass(frozen=True, slots=True)
class BlockResult:
    """The alerts that the rules raised on one block of villages, from so many readings."""

    readings: int
    alerts: list[Raised]
