"""Windows of time in questions about readings: what may be asked, and how the answers are
written."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import Query

from api.problems import Problem
from ingest.store import PointSummary
from wire.durations import parse_duration
from wire.local_days import begin_of
from wire.points import POINT_NAMES
from wire.units import DAY_MS

MIN_STEP_MS: Final = 1_000
MAX_ROWS: Final = 12_000
"""Rows of one answer: four days at a reading every 30 s, or a season at half an hour; about 8 MB
with every point."""

MAX_SPAN_MS: Final = 400 * DAY_MS
"""A season beside the one before. Hourly aggregates of that take a few seconds; of all time they
took 640 MB."""

MAX_AHEAD_MS: Final = DAY_MS
"""How far after now a window may end: nothing is stored there."""

RAW_INTERVAL_MS: Final = (
    30_000  # contract §9 `interval`: what a reading is taken to last where no step is given
)

Time = Annotated[int | None, Query(ge=0, lt=2**53)]

Entry = tuple[float | None, ...]
Statistic = Literal["mean", "min", "max", "count", "all"]
_ENTRIES: Final[dict[Statistic, Callable[[PointSummary], Entry]]] = {
    "mean": lambda one: (one.at, one.mean),
    "min": lambda one: (one.at, one.minimum),
    "max": lambda one: (one.at, one.maximum),
    "count": lambda one: (one.at, one.count),
    "all": lambda one: (one.at, one.count, one.mean, one.minimum, one.maximum),
}


def entries(series: Sequence[PointSummary], stat: Statistic) -> list[Entry]:
    """`series` as `[at, value]`, or `[at, count, mean, min, max]` for `all`."""
    return [_ENTRIES[stat](one) for one in series]


def window_of(
    start: int | None, end: int | None, now: int, step_ms: int | None, offset_ms: int
) -> tuple[int, int]:
    """Beginning and end (UTC ms) of what is answered; raises Problem.

    By default it is the day before `now`, `now` included. With a step it begins with the step of
    local time (`offset_ms` from UTC) in which `start` lies.
    """
    until = now + 1 if end is None else end
    since = until - DAY_MS if start is None else start
    if until > now + MAX_AHEAD_MS:
        raise invalid("to: at most a day from now")
    check_window(since, until, step_ms)
    return since if step_ms is None else begin_of(since, step_ms, offset_ms), until


def read_step(step: str) -> int:
    """Milliseconds in `step`, a duration or a whole number of ms; raises Problem."""
    try:
        step_ms = int(step) if step.isdecimal() else parse_duration(step)
    except ValueError as error:
        raise invalid(f"step: {error}") from error
    if step_ms < MIN_STEP_MS:
        raise invalid("step: at least 1s")
    return step_ms


def check_window(since: int, until: int, step_ms: int | None, most: int = MAX_ROWS) -> None:
    """Raises Problem for an empty window or one of more than `most` rows."""
    if since >= until:
        raise invalid("from must be before to")
    if (until - since) / (step_ms or RAW_INTERVAL_MS) > most:
        detail = f"an answer has at most {most} rows; ask for a shorter time, or give a longer step"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "too_many_points", detail)
    if until - since > MAX_SPAN_MS:
        detail = f"an answer reaches over at most {MAX_SPAN_MS // DAY_MS} days; ask for less"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "too_long", detail)


def read_points(points: str) -> list[str]:
    """The points in a text separated by commas, each once; raises Problem for one that does not
    exist."""
    wanted = list(dict.fromkeys(points.split(",")))
    unknown = [name for name in wanted if name not in POINT_NAMES]
    if unknown:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_point", f"no such point: {', '.join(unknown)}"
        )
    return wanted


def invalid(detail: str) -> Problem:
    """The answer to a question that makes no sense."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail)
