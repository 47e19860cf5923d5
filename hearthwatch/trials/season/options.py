"""What a season was asked to do."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SeasonOptions:
    """The options of `simulate season`, the first day and the step as text.

    `workers` None means one process for each processor.
    """

    scenario: str
    units: int
    days: int
    start: str
    step: str
    seed: int
    workers: int | None = None
    truth: Path | None = None
    picture: Path | None = None
