"""Pieces that the pictures of replay and season share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Bar:
    """A time span (UTC ms) drawn as a thick line in a row."""

    row: float
    begin: int
    end: int
    colour: str


def dates(at: Any) -> Any:
    """Return UTC ms as the dates that matplotlib draws."""
    return np.asarray(at).astype("datetime64[ms]")


def draw_bars(axes: Axes, rows: Sequence[str], bars: Iterable[Bar], shortest_ms: int) -> None:
    """Draw `bars` in named rows from top to bottom; none is shorter than `shortest_ms`."""
    for bar in bars:
        ends = dates([bar.begin, max(bar.end, bar.begin + shortest_ms)])
        axes.plot(ends, [bar.row] * 2, color=bar.colour, linewidth=6, solid_capstyle="butt")
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)


def save(figure: Figure, path: Path) -> None:
    """Write a PNG without the date or name of the software; raise OSError."""
    figure.savefig(path, format="png", dpi=90, metadata={"Software": None})
