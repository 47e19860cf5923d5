"""The season as a picture: what one telling unit went through, and how the fleet fared. The only
user of matplotlib."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hearthwatch.trials.season.sketch import Sketch
from simulators.scoring.truths import ScoredAlert, Truth
from simulators.season.span import SeasonSpan
from wire.units import DAY_MS, HOUR_MS

_SHANGHAI_MS: Final = 8 * HOUR_MS
_MOST_ROWS: Final = 14
_MOST_RULES: Final = 9  # beside the others, which share a colour
_ROOM, _OUTDOOR, _SUPPLY, _POWER, _CAUSE, _ALERT = (
    "#c0392b",
    "#2471a3",
    "#e59866",
    "#5d6d7e",
    "#d5d8dc",
    "#c0392b",
)


def draw(
    path: Path,
    title: str,
    sketch: Sketch,
    alerts: Sequence[ScoredAlert],
    truths: Sequence[Truth],
    span: SeasonSpan,
) -> None:
    """Write a PNG to `path`; needs no display. Raises OSError."""
    figure = Figure(figsize=(16, 13), layout="constrained")
    rows = figure.subplots(
        5, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1.6, 2.4, 2.2, 2.2]}
    )
    figure.suptitle(title)
    times = _dates(np.fromiter(span.times(), np.int64))
    own = [alert for alert in alerts if alert.subject == sketch.device]
    _unit_temperatures(rows[0], times, sketch)
    _unit_power(rows[1], times, sketch)
    _unit_story(rows[2], own, [truth for truth in truths if truth.subject == sketch.device], span)
    _fleet(rows[3], times, sketch)
    _alerts_by_day(rows[4], alerts, span)
    figure.savefig(path, format="png", dpi=90, metadata={"Software": None})


def _dates(at: Any) -> Any:
    return (np.asarray(at) + _SHANGHAI_MS).astype("datetime64[ms]")


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
    """Above the axes, beside their title, where it hides nothing."""
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, frameon=False, fontsize="small"
    )


def _unit_power(axes: Axes, times: Any, sketch: Sketch) -> None:
    axes.plot(times, sketch.unit["power_w"] / 1000.0, color=_POWER, linewidth=0.5)
    axes.set_ylabel("power, kW")
    if np.isnan(sketch.unit["power_w"]).all():
        axes.text(
            0.5, 0.5, "this brand does not tell its power", transform=axes.transAxes, ha="center"
        )


def _unit_story(
    axes: Axes, alerts: Sequence[ScoredAlert], truths: Sequence[Truth], span: SeasonSpan
) -> None:
    """One row for each thing that happened (grey) and each alert (red), from begin to end."""
    spans = [(truth.kind, truth.onset, truth.end, _CAUSE) for truth in truths]
    spans += [
        (f"alert {alert.sign}", alert.raised_at, alert.cleared_at, _ALERT) for alert in alerts
    ]
    names = [
        name
        for name, _ in Counter(
            name for name, *_ in sorted(spans, key=lambda one: one[1])
        ).most_common()
    ]
    names = names[:_MOST_ROWS]
    for name, begin, end, colour in spans:
        if name in names:
            until = span.end if end is None else end
            left, right = _dates([begin, max(until, begin + DAY_MS // 4)])
            axes.plot(
                [left, right],
                [names.index(name)] * 2,
                color=colour,
                linewidth=7,
                solid_capstyle="butt",
            )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_title("what happened (grey) and what was alerted (red)", loc="left")


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


def _alerts_by_day(axes: Axes, alerts: Sequence[ScoredAlert], span: SeasonSpan) -> None:
    """A dot for each rule and day; a cold wave's thousands stand beside a quiet week's single
    ones."""
    often = [rule for rule, _ in Counter(alert.rule for alert in alerts).most_common(_MOST_RULES)]
    names = [(alert.rule if alert.rule in often else "others", alert.raised_at) for alert in alerts]
    counts = Counter((name, (at - span.start) // DAY_MS) for name, at in names)
    days = _dates(span.start + DAY_MS * np.arange(span.days) + DAY_MS // 2)
    for name in [*often, "others"]:
        heights = np.array([counts[name, day] or np.nan for day in range(span.days)])
        axes.plot(
            days,
            heights,
            marker=".",
            linestyle="none",
            label=name,
            color=_POWER if name == "others" else None,
        )
    axes.set_title("alerts raised each day", loc="left")
    axes.set_ylabel("alerts")
    if counts:
        axes.set_yscale("log")
        _legend(axes, (_MOST_RULES + 1) // 2)
