"""What the rules say: an alert begins, changes or ends, and why."""

from dataclasses import dataclass
from typing import Literal

from wire.messages import Priority

SubjectKind = Literal["device", "gateway", "village"]
EdgeKind = Literal["raise", "update", "clear"]


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of one alert episode; the episode is named by (`rule`, `subject`, `code`, `onset`).

    `onset` is when the condition began and `at` when it was decided, both UTC ms: event time for rules over
    readings, server time for presence. `value` and `limit` are in `unit`. `reason` is the stable name of why.
    `children` counts devices hidden under a gateway or village. `text` holds a sentence per language.
    """

    rule: str
    subject: str
    subject_kind: SubjectKind
    edge: EdgeKind
    code: str | None
    onset: int
    at: int
    value: float | None
    limit: float | None
    unit: str | None
    priority: Priority
    reason: str
    text: dict[str, str]
    children: int = 0


@dataclass(frozen=True, slots=True)
class Episode:
    """An alert that is open: what raised it, about whom, and since when (UTC ms)."""

    rule: str
    subject: str
    code: str | None
    onset: int
