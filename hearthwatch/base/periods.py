"""Times and durations on the command line."""

import datetime as dt

from hearthwatch.base.errors import UsageError
from wire.durations import parse_duration


def parse_time(option: str, text: str, zone: dt.tzinfo) -> int:
    """Return the UTC ms of a date (its midnight) or a time; raise UsageError.

    The text is in `zone` unless it names its own offset.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{option}: {text!r} is no time; write it like 2025-11-01 or 2025-11-01T08:30"
        ) from error
    return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1_000)


def parse_day(option: str, text: str, zone: dt.tzinfo) -> int:
    """Return the UTC ms of the midnight in `zone` at which a day begins; raise UsageError."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option}: {text!r} is not a date; write it like 2025-11-01") from error
    return round(dt.datetime.combine(day, dt.time(), zone).timestamp() * 1_000)


def parse_length(option: str, text: str) -> int:
    """Return the milliseconds of a duration like `30s` or `10m`; raise UsageError."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def parse_period(since: str, until: str | None, zone: dt.tzinfo, now: int) -> tuple[int, int]:
    """Return begin and end in UTC ms, the end not included; raise UsageError.

    Without `until` the period ends `now`.
    """
    begin = parse_time("--from", since, zone)
    end = now if until is None else parse_time("--to", until, zone)
    if begin >= end:
        raise UsageError("--to must be after --from, which is the first moment that counts")
    return begin, end
