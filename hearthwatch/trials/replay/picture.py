"""A replay as a picture: alerts by rule and village over time.

In a comparison only the changed rules are shown, before and after, beside each other.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hearthwatch.trials.replay.result import Replayed
from rules.transitions.raised import Raised
from wire.units import DAY_MS, HOUR_MS, WEEK_MS

_MOST_ROWS: Final = 40
_COLOURS: Final = ("#2471a3", "#e67e22")
_LABELS: Final = ("before", "after")
_SHORTEST: Final = (
    1 / 400
)  # of the whole period: what is shorter is drawn as long, to be seen at all

Row = tuple[str, str]
"""A rule and a village."""


def draw(path: Path, result: Replayed, zone: tzinfo) -> None:
    """Write a PNG to `path`, with times in `zone`; needs no display. Raises OSError."""
    sets = _sets(result)
    counts = Counter((one.rule, result.village(one)) for alerts in sets for one in alerts)
    rows = sorted(row for row, _ in counts.most_common(_MOST_ROWS))
    figure = Figure(figsize=(16, 5 + 0.35 * len(rows)), layout="constrained")
    above, below = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [3, max(2.0, 0.35 * len(rows))]}
    )
    figure.suptitle(
        f"{' → '.join(f'{len(alerts):,}' for alerts in sets)} alerts, {len(result.places):,} devices"
    )
    _counts_over_time(above, result, sets)
    _episodes(below, result, sets, rows)
    below.xaxis_date(zone)
    below.set_xlim(*_dates([result.since, result.until]))
    if len(sets) > 1:
        handles = [
            Patch(color=colour, label=label)
            for colour, label in zip(_COLOURS, _LABELS, strict=True)
        ]
        figure.legend(handles=handles, loc="upper right")
    figure.savefig(path, format="png", dpi=90, metadata={"Software": None})


def _sets(result: Replayed) -> list[Sequence[Raised]]:
    if result.changed is None:
        return [result.alerts]
    return [[one for one in result.alerts if one.rule in result.changed], result.against]


def _counts_over_time(axes: Axes, result: Replayed, sets: Sequence[Sequence[Raised]]) -> None:
    """How many were raised each day, or each hour of a period of a week or less."""
    hourly = result.until - result.since <= WEEK_MS
    length = HOUR_MS if hourly else DAY_MS
    edges = np.arange(result.since, result.until + length, length)
    for number, alerts in enumerate(sets):
        heights, _ = np.histogram([one.at for one in alerts], edges)
        left = _dates(edges[:-1]) + np.timedelta64(number * length // len(sets), "ms")
        axes.bar(
            left,
            heights,
            np.timedelta64(length // len(sets), "ms"),
            align="edge",
            color=_COLOURS[number],
        )
    axes.set_title(f"alerts raised each {'hour' if hourly else 'day'}", loc="left")
    axes.set_ylabel("alerts")


def _episodes(
    axes: Axes, result: Replayed, sets: Sequence[Sequence[Raised]], rows: Sequence[Row]
) -> None:
    """A row for each rule and village; the alerts of each set from raise to clear, one set below
    the other."""
    places = {row: number for number, row in enumerate(rows)}
    shortest = round((result.until - result.since) * _SHORTEST)
    for number, alerts in enumerate(sets):
        shift = 0.0 if len(sets) == 1 else 0.4 * number - 0.2
        for one in alerts:
            place = places.get((one.rule, result.village(one)))
            if place is not None:
                end = result.until if one.cleared_at is None else one.cleared_at
                bar = _dates([one.at, max(end, one.at + shortest)])
                axes.plot(
                    bar,
                    [place + shift] * 2,
                    color=_COLOURS[number],
                    linewidth=6,
                    solid_capstyle="butt",
                )
    axes.set_yticks(range(len(rows)), [f"{rule}  {village}" for rule, village in rows])
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    axes.set_title("alerts from raise to clear, by rule and village", loc="left")


def _dates(at: Any) -> Any:
    return np.asarray(at).astype("datetime64[ms]")
