"""Times and durations on the command line."""

import datetime as dt

from hearthwatch.base.errors import UsageError
from wire.durations import parse_duration


def parse_time(option: str, text: str, zone: dt.tzinfo) -> int:
    """UTC ms of a date (its midnight) or time, in `zone` unless it names its own; raises
    UsageError."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{option}: {text!r} is no time; write it like 2025-11-01 or 2025-11-01T08:30"
        ) from error
    return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1_000)


def parse_length(option: str, text: str) -> int:
    """Milliseconds of a duration like `30s` or `10m`; raises UsageError."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def parse_period(since: str, until: str | None, zone: dt.tzinfo, now: int) -> tuple[int, int]:
    """Both ends, UTC ms, the second one excluded and by default `now`; raises UsageError."""
    begin = parse_time("--from", since, zone)
    end = now if until is None else parse_time("--to", until, zone)
    if begin >= end:
        raise UsageError("--to must be after --from, which is the first moment that counts")
    return begin, end
