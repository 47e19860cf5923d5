"""What a replay was asked to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """The options of `rules replay`, times and durations as text.

    No `rules` means those of the server; no `against` means no comparison; no `villages` and no
    `devices` means all; `workers` None means one process for each processor.
    """

    since: str
    until: str | None
    warm_up: str
    rules: Sequence[Path]
    against: Sequence[Path]
    villages: Sequence[str]
    devices: Sequence[str]
    workers: int | None = None
    csv: Path | None = None
    picture: Path | None = None
