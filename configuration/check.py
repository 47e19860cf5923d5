"""One check of what a program needs: whether it is good, and its result or what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a check; `text` says what was found, or what to do if it is not `good`."""

    name: str
    good: bool
    text: str
