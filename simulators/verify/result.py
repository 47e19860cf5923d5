"""The outcome of a verification."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from simulators.scoring.score import ClassScore

FindingKind = Literal["lost", "duplicated", "missed", "false", "wrong_value"]
MOST_DETAILS: Final = 200


@dataclass(frozen=True, slots=True)
class VerificationFinding:
    """One finding: what is wrong with whom, and when (UTC ms)."""

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

    `interrupted` reads were cut off when their gateway died or the run ended, and may never have
    been journalled; `missing_numbers` are message numbers that never arrived; `expected` counts the
    alerts due, by rule; `classes` holds the figures of each class of cause
    (`simulators.scoring.signs`).
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
        """How many findings of one kind there are."""
        return sum(detail.finding == finding for detail in self.details)

    @property
    def lost(self) -> int:
        """Reads that were not stored, or message numbers that never arrived: two views of a loss,
        the larger counts."""
        return max(self.count("lost"), self.missing_numbers)

    @property
    def duplicated(self) -> int:
        """Stored readings that no read of their own stands behind."""
        return self.count("duplicated")

    @property
    def missed(self) -> int:
        """Alerts that were due and were not raised, or not ticketed exactly once."""
        return self.count("missed")

    @property
    def false(self) -> int:
        """Alerts and tickets that nothing real stands behind, and second alerts of one episode."""
        return self.count("false")

    @property
    def wrong_values(self) -> int:
        """Stored readings that say something else than the registers held."""
        return self.count("wrong_value")

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
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
        """The outcome for people: one line of counts, one for each class, then one for each
        finding."""
        counts = (
            f"lost {self.lost} · duplicated {self.duplicated} · missed {self.missed} · false {self.false}"
            f" · wrong values {self.wrong_values} ({self.reads} reads, {self.stored} stored,"
            f" {self.interrupted} interrupted)"
        )
        classes = [f"{kind}: {figures.to_text()}" for kind, figures in sorted(self.classes.items())]
        lines = [
            f"{d.finding}: {d.subject} at {d.at}: {d.what}" for d in self.details[:MOST_DETAILS]
        ]
        return "\n".join([counts, *classes, *lines])
