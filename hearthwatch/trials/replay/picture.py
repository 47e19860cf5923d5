"""A replay as a picture: alerts by rule and village over time.

In a comparison only the changed rules are shown, before and after, beside each other.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from hearthwatch.trials.drawing import Bar, dates, draw_bars, save
from hearthwatch.trials.replay.result import ReplayResult
from rules.transitions.raised import Raised
from wire.local_days import begin_of, offset_of
from wire.units import DAY_MS, HOUR_MS, WEEK_MS

_MOST_ROWS: Final = 40
_COLOURS: Final = ("#2471a3", "#e67e22")
_LABELS: Final = ("before", "after")
_SHORTEST: Final = 1 / 400  # of the period: a shorter alert would be too thin to see

Row = tuple[str, str]
"""A rule and a village."""


def draw(path: Path, result: ReplayResult, zone: tzinfo) -> None:
    """Write a PNG to `path`, with times in `zone`; needs no display; raise OSError."""
    sets = _sets(result)
    counts = Counter((alert.rule, result.village(alert)) for alerts in sets for alert in alerts)
    rows = sorted(row for row, _ in counts.most_common(_MOST_ROWS))
    figure = Figure(figsize=(16, 5 + 0.35 * len(rows)), layout="constrained")
    above, below = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [3, max(2.0, 0.35 * len(rows))]}
    )
    numbers = " → ".join(f"{len(alerts):,}" for alerts in sets)
    figure.suptitle(f"{numbers} alerts, {len(result.places):,} devices")
    _counts_over_time(above, result, sets, offset_of(zone))
    _alerts_by_row(below, result, sets, rows)
    below.xaxis_date(zone)
    below.set_xlim(*dates([result.since, result.until]))
    if len(sets) > 1:
        _legend(figure)
    save(figure, path)


def _legend(figure: Figure) -> None:
    pairs = zip(_COLOURS, _LABELS, strict=True)
    handles = [Patch(color=colour, label=label) for colour, label in pairs]
    figure.legend(handles=handles, loc="upper right")


def _sets(result: ReplayResult) -> list[Sequence[Raised]]:
    if result.changed is None:
        return [result.alerts]
    return [[alert for alert in result.alerts if alert.rule in result.changed], result.against]


def _counts_over_time(
    axes: Axes, result: ReplayResult, sets: Sequence[Sequence[Raised]], offset_ms: int
) -> None:
    """Draw how many were raised each local day, or each hour of a period of a week or less."""
    hourly = result.until - result.since <= WEEK_MS
    length = HOUR_MS if hourly else DAY_MS
    edges = _edges(result.since, result.until, length, offset_ms)
    for number, alerts in enumerate(sets):
        heights, _ = np.histogram([alert.at for alert in alerts], edges)
        width = length // len(sets)
        left = dates(edges[:-1]) + np.timedelta64(number * width, "ms")
        axes.bar(
            left,
            heights,
            np.timedelta64(width, "ms"),
            align="edge",
            color=_COLOURS[number],
        )
    axes.set_title(f"alerts raised each {'hour' if hourly else 'day'}", loc="left")
    axes.set_ylabel("alerts")


def _edges(since: int, until: int, length: int, offset_ms: int) -> NDArray[np.int64]:
    """Return the edges (UTC ms) of the local days or hours that the period touches."""
    return np.arange(begin_of(since, length, offset_ms), until + length, length)


def _alerts_by_row(
    axes: Axes, result: ReplayResult, sets: Sequence[Sequence[Raised]], rows: Sequence[Row]
) -> None:
    """Draw each alert from raise to clear in the row of its rule and village."""
    shortest = round((result.until - result.since) * _SHORTEST)
    names = [f"{rule}  {village}" for rule, village in rows]
    draw_bars(axes, names, _bars(result, sets, rows), shortest)
    axes.set_title("alerts from raise to clear, by rule and village", loc="left")


def _bars(
    result: ReplayResult, sets: Sequence[Sequence[Raised]], rows: Sequence[Row]
) -> Iterator[Bar]:
    """Yield the bars of the alerts whose row is shown; the second set stands below the first."""
    indexes = {row: index for index, row in enumerate(rows)}
    for number, alerts in enumerate(sets):
        shift = 0.0 if len(sets) == 1 else 0.4 * number - 0.2
        for alert in alerts:
            index = indexes.get((alert.rule, result.village(alert)))
            if index is not None:
                end = result.until if alert.cleared_at is None else alert.cleared_at
                yield Bar(index + shift, alert.at, end, _COLOURS[number])
