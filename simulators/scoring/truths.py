"""The two sides of a score: truths and alerts. Times are UTC milliseconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Level = Literal["device", "gateway", "village", "district"]
LEVELS: Final[tuple[Level, ...]] = ("device", "gateway", "village", "district")
TruthSubject = tuple[Level, str]


@dataclass(frozen=True, slots=True)
class Truth:
    """Something that happened: its class (a key of `signs.SIGNS`), its subject and its time.

    `end` is None while it lasts. A truth that is not `certain` was too faint or too hidden to
    demand an alert; it still explains one.
    """

    kind: str
    level: Level
    subject: str
    onset: int
    end: int | None
    certain: bool = True
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.end is None or self.onset <= self.end, "a truth ends before it begins"

    def to_document(self) -> dict[str, Any]:
        """The truth as a line of a truth file."""
        return {
            "type": "truth",
            "class": self.kind,
            self.level: self.subject,
            "onset": self.onset,
            "end": self.end,
            "certain": self.certain,
            "detail": dict(self.detail),
        }


def truth_from(line: Mapping[str, Any]) -> Truth:
    """The truth in a line of `to_document`; raises KeyError or StopIteration on other lines."""
    level = next(level for level in LEVELS if level in line)
    return Truth(
        line["class"],
        level,
        line[level],
        line["onset"],
        line["end"],
        line.get("certain", True),
        line.get("detail", {}),
    )


@dataclass(frozen=True, slots=True)
class ScoredAlert:
    """One alert as it was raised; `code` is the `kind:vendor_code` of a fault, else None."""

    rule: str
    level: Level
    subject: str
    code: str | None
    onset: int
    raised_at: int
    cleared_at: int | None = None

    @property
    def sign(self) -> str:
        """The mark by which a class recognises the alert.

        It is the rule, and for a fault the kind of its code too: `fault:high_pressure`.
        """
        return self.rule if self.code is None else f"{self.rule}:{self.code.partition(':')[0]}"


@dataclass(frozen=True, slots=True)
class Topology:
    """The parts of a district: the gateway of each device, and the village of each gateway."""

    gateway_of: Mapping[str, str]
    village_of: Mapping[str, str]

    def above(self, level: Level, subject: str) -> tuple[TruthSubject, ...]:
        """The subject and everything that it is part of."""
        chain: list[TruthSubject] = [(level, subject)]
        if level == "device" and subject in self.gateway_of:
            level, subject = "gateway", self.gateway_of[subject]
            chain.append((level, subject))
        if level == "gateway" and subject in self.village_of:
            chain.append(("village", self.village_of[subject]))
        return tuple(chain)
