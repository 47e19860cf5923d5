"""A season as a picture: the history of the most eventful unit, and the fleet."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hearthwatch.trials.drawing import Bar, dates, draw_bars, save
from hearthwatch.trials.season.evaluate import scored_alert
from hearthwatch.trials.season.sketch import Sketch
from rules.transitions.raised import Raised
from simulators.scoring.truths import Truth
from simulators.season.span import SeasonSpan
from wire.units import DAY_MS

_MOST_ROWS: Final = 14
_MOST_RULES: Final = 9  # beside the others, which share a colour
_ROOM: Final = "#c0392b"
_OUTDOOR: Final = "#2471a3"
_SUPPLY: Final = "#e59866"
_POWER: Final = "#5d6d7e"
_CAUSE: Final = "#d5d8dc"
_ALERT: Final = "#c0392b"


def draw(
    path: Path,
    title: str,
    sketch: Sketch,
    alerts: Sequence[Raised],
    truths: Sequence[Truth],
    span: SeasonSpan,
    zone: tzinfo,
) -> None:
    """Write a PNG to `path`, with times in `zone`; needs no display; raise OSError."""
    figure = Figure(figsize=(16, 13), layout="constrained")
    rows = figure.subplots(
        5, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1.6, 2.4, 2.2, 2.2]}
    )
    figure.suptitle(title)
    times = dates(np.fromiter(span.times(), np.int64))
    _unit_temperatures(rows[0], times, sketch)
    _unit_power(rows[1], times, sketch)
    own_alerts = [alert for alert in alerts if alert.subject == sketch.device]
    own_truths = [truth for truth in truths if truth.subject == sketch.device]
    _unit_history(rows[2], own_alerts, own_truths, span)
    _fleet(rows[3], times, sketch)
    _alerts_by_day(rows[4], alerts, span)
    rows[4].xaxis_date(zone)
    save(figure, path)


def _unit_temperatures(axes: Axes, times: Any, sketch: Sketch) -> None:
    axes.set_title(f"unit {sketch.device}", loc="left")
    for point, colour, name in (
        ("supply_c", _SUPPLY, "supply water"),
        ("room_c", _ROOM, "room"),
        ("outdoor_c", _OUTDOOR, "outdoors"),
    ):
        if not np.isnan(sketch.unit[point]).all():  # some brands measure no room
            axes.plot(times, sketch.unit[point], color=colour, linewidth=0.6, label=name)
    axes.axhline(18.0, color="black", linewidth=0.6, linestyle=":")
    axes.set_ylabel("°C")
    _legend(axes, 3)


def _legend(axes: Axes, columns: int) -> None:
    """Draw the legend above the axes, beside their title, where it hides nothing."""
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, frameon=False, fontsize="small"
    )


def _unit_power(axes: Axes, times: Any, sketch: Sketch) -> None:
    axes.plot(times, sketch.unit["power_w"] / 1000.0, color=_POWER, linewidth=0.5)
    axes.set_ylabel("power, kW")
    if np.isnan(sketch.unit["power_w"]).all():
        axes.text(
            0.5, 0.5, "this brand does not report its power", transform=axes.transAxes, ha="center"
        )


def _unit_history(
    axes: Axes, alerts: Sequence[Raised], truths: Sequence[Truth], span: SeasonSpan
) -> None:
    """Draw a row for each thing that happened (grey) and each alert (red), from begin to end."""
    histories = sorted(_histories(alerts, truths), key=lambda each: each.begin)
    rows = [name for name, _ in Counter(each.name for each in histories).most_common(_MOST_ROWS)]
    bars = [
        Bar(
            rows.index(each.name),
            each.begin,
            span.end if each.end is None else each.end,
            each.colour,
        )
        for each in histories
        if each.name in rows
    ]
    draw_bars(axes, rows, bars, shortest_ms=DAY_MS // 4)
    axes.set_title("what happened (grey) and what was alerted (red)", loc="left")


class _History(NamedTuple):
    name: str
    begin: int
    end: int | None
    colour: str


def _histories(alerts: Sequence[Raised], truths: Sequence[Truth]) -> Iterator[_History]:
    for truth in truths:
        yield _History(truth.kind, truth.onset, truth.end, _CAUSE)
    for alert in alerts:
        name = f"alert {scored_alert(alert).sign}"
        yield _History(name, alert.at, alert.cleared_at, _ALERT)


def _fleet(axes: Axes, times: Any, sketch: Sketch) -> None:
    axes.set_title(f"all {sketch.units:,} units, means", loc="left")
    axes.plot(times, sketch.room_sum_c / sketch.units, color=_ROOM, linewidth=0.6, label="room")
    axes.plot(times, sketch.outdoor_c, color=_OUTDOOR, linewidth=0.6, label="outdoors")
    axes.set_ylabel("°C")
    _legend(axes, 2)
    power = axes.twinx()
    power.plot(
        times, sketch.power_sum_w / sketch.units / 1000.0, color=_POWER, linewidth=0.4, alpha=0.7
    )
    power.set_ylabel("power, kW")


def _alerts_by_day(axes: Axes, alerts: Sequence[Raised], span: SeasonSpan) -> None:
    """Draw a dot for each rule and day; the scale shows a cold wave's thousands and single ones."""
    often = [rule for rule, _ in Counter(alert.rule for alert in alerts).most_common(_MOST_RULES)]
    counts = Counter(
        (alert.rule if alert.rule in often else "others", (alert.at - span.start) // DAY_MS)
        for alert in alerts
    )
    days = dates(span.start + DAY_MS * np.arange(span.days) + DAY_MS // 2)
    for name in [*often, "others"]:
        heights = np.array([counts[name, day] or np.nan for day in range(span.days)])
        colour = _POWER if name == "others" else None
        axes.plot(days, heights, marker=".", linestyle="none", label=name, color=colour)
    axes.set_title("alerts raised each day", loc="left")
    axes.set_ylabel("alerts")
    if counts:
        axes.set_yscale("log")
        _legend(axes, (_MOST_RULES + 1) // 2)
