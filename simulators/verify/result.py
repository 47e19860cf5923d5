"""The outcome of a verification."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from simulators.scoring.score import ClassScore

FindingKind = Literal["lost", "duplicated", "missed", "false", "wrong_value"]
MOST_DETAILS: Final = 200


@dataclass(frozen=True, slots=True)
class VerificationFinding:
    """One finding: its kind, its subject, its time (UTC ms), and a description."""

    finding: FindingKind
    subject: str
    at: int
    what: str

    def to_document(self) -> dict[str, Any]:
        """The finding as JSON."""
        return {"finding": self.finding, "subject": self.subject, "at": self.at, "what": self.what}


@dataclass(slots=True)
class Verification:
    """Counts and named findings.

    `interrupted`: reads cut off by the death of their gateway, an adapter pulled out in the middle
    of their visit, or the end of the run, which may never have been journalled. `missing_numbers`:
    message numbers that never arrived. `expected`: alerts due, by rule. `classes`: figures of each
    class of causes (`simulators.scoring.signs`).
    """

    details: list[VerificationFinding] = field(default_factory=list)
    reads: int = 0
    stored: int = 0
    interrupted: int = 0
    missing_numbers: int = 0
    expected: dict[str, int] = field(default_factory=dict)
    classes: dict[str, ClassScore] = field(default_factory=lambda: defaultdict(ClassScore))

    def find(self, finding: FindingKind, subject: str, at: int, what: str) -> None:
        """Note one finding."""
        self.details.append(VerificationFinding(finding, subject, at, what))

    def count(self, finding: FindingKind) -> int:
        """The number of findings of one kind."""
        return sum(detail.finding == finding for detail in self.details)

    @property
    def lost(self) -> int:
        """The losses in reads or in message numbers, whichever are more: two views of one loss."""
        return max(self.count("lost"), self.missing_numbers)

    @property
    def duplicated(self) -> int:
        """Stored readings without a read of their own."""
        return self.count("duplicated")

    @property
    def missed(self) -> int:
        """Alerts that were due and not raised, or not ticketed exactly once."""
        return self.count("missed")

    @property
    def false(self) -> int:
        """Alerts and tickets without a cause, and second alerts of one occurrence."""
        return self.count("false")

    @property
    def wrong_values(self) -> int:
        """Stored readings that differ from the registers."""
        return self.count("wrong_value")

    @property
    def clean(self) -> bool:
        """Whether there is no finding."""
        return not self.details and self.lost == 0

    def to_document(self) -> dict[str, Any]:
        """The outcome as JSON, with the first findings in full."""
        return {
            "lost": self.lost,
            "duplicated": self.duplicated,
            "missed": self.missed,
            "false": self.false,
            "wrong_values": self.wrong_values,
            "interrupted": self.interrupted,
            "missing_numbers": self.missing_numbers,
            "reads": self.reads,
            "stored": self.stored,
            "expected": dict(self.expected),
            "classes": {
                kind: figures.to_document() for kind, figures in sorted(self.classes.items())
            },
            "details": [detail.to_document() for detail in self.details[:MOST_DETAILS]],
        }

    def to_text(self) -> str:
        """The outcome as text: one line of counts, one for each class, one for each finding."""
        counts = (
            f"lost {self.lost} · duplicated {self.duplicated} · missed {self.missed}"
            f" · false {self.false} · wrong values {self.wrong_values}"
            f" ({self.reads} reads, {self.stored} stored,"
            f" {self.interrupted} interrupted)"
        )
        classes = [f"{kind}: {figures.to_text()}" for kind, figures in sorted(self.classes.items())]
        lines = [
            f"{detail.finding}: {detail.subject} at {detail.at}: {detail.what}"
            for detail in self.details[:MOST_DETAILS]
        ]
        return "\n".join([counts, *classes, *lines])
