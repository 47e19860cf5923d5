"""`alerts performance`: the figures of alarm performance from the ticket database, as tables."""

import sys
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from alerts.core.alarm_performance import (
    AIMS,
    FLOOD_BEGINS,
    HOURLY_LIMITS,
    RECOMMENDED,
    SHOWN,
    TEN_MINUTES_MS,
    AlarmPerformance,
    measure,
)
from alerts.store.announcements import announcements
from desk.accounts.scope import Scope
from desk.database.engine import DatabaseError, open_database, reading
from desk.ledger.devices import sees_place
from hearthwatch.base.errors import UnreachableError, UsageError
from hearthwatch.base.periods import parse_period
from hearthwatch.run.server_settings import ServerSettings
from wire.units import HOUR_MS
from wire.wall_clock import wall_clock_ms

_EVERYTHING: Final = Scope("district")
_PLAIN_WIDTH: Final = 140  # where the output is no terminal


def find_performance(
    settings: ServerSettings, since: str, until: str | None, town: str | None, village: str | None
) -> AlarmPerformance:
    """The figures of the whole district, a town or a village; raises UsageError or
    UnreachableError."""
    begin, end = parse_period(since, until, ZoneInfo(settings.season.timezone), wall_clock_ms())
    try:
        with reading(open_database(settings.tickets.url)) as session:
            if (town, village) != (None, None) and not sees_place(
                session, _EVERYTHING, town, village
            ):
                raise UsageError(
                    "no gateway or device is known in that place; see --town and --village"
                )
            announced = announcements(session, _EVERYTHING, begin, end, town, village)
    except DatabaseError as error:
        raise UsageError(str(error)) from error
    except SQLAlchemyError as error:
        raise UnreachableError(
            f"the ticket database does not answer: {error}; see [tickets] url"
        ) from error
    return measure(announced, begin, end, settings.alerts.operators)


def print_performance(found: AlarmPerformance, zone: tzinfo) -> None:
    """The figures for people, on standard output; times are in `zone`."""
    console = Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    for table in (_rates(found), _priorities(found), _bad_actors(found), _floods(found, zone)):
        if table.row_count:
            console.print(table)


def _rates(found: AlarmPerformance) -> Table:
    table = Table(
        title=f"{len(found.announced):,} alerts, {found.operators} on duty", title_justify="left"
    )
    table.add_column("figure")
    table.add_column("found", justify="right")
    table.add_column("at most", justify="right")
    for row in _rate_rows(found):
        table.add_row(*row)
    return table


def _rate_rows(found: AlarmPerformance) -> Iterator[tuple[str, str, str]]:
    yield (
        "alerts per operator and hour",
        f"{found.per_operator_hour:.2f}",
        f"{AIMS['per_operator_hour']:.0f}",
    )
    for limit in HOURLY_LIMITS:
        aim = _percent(AIMS["hours_above_30_share"]) if limit == HOURLY_LIMITS[-1] else ""
        yield (
            f"hours with more than {limit} per operator",
            _percent(found.share_above(limit, HOUR_MS)),
            aim,
        )
    above = found.share_above(FLOOD_BEGINS, TEN_MINUTES_MS)
    yield (
        "ten minutes with more than 10 per operator",
        _percent(above),
        _percent(AIMS["ten_minutes_above_10_share"]),
    )
    most = AIMS["ten_minutes_most_per_operator"] * found.operators
    yield "most alerts in ten minutes", str(found.most_within(TEN_MINUTES_MS)), f"{most:.0f}"
    yield "time in a flood", _percent(found.flood_share), _percent(AIMS["flood_share"])
    yield "chattering alarms", str(len(found.chattering)), f"{AIMS['chattering']:.0f}"
    yield "fleeting alarms", str(len(found.fleeting)), f"{AIMS['fleeting']:.0f}"
    yield "stale alerts (active for more than 24 h)", str(len(found.stale)), f"{AIMS['stale']:.0f}"


def _priorities(found: AlarmPerformance) -> Table:
    table = Table("priority", title="priorities", title_justify="left")
    for column in ("alerts", "share", "recommended"):
        table.add_column(column, justify="right")
    for name, recommended in RECOMMENDED.items() if found.announced else ():
        count = found.priorities[name]
        table.add_row(
            name, f"{count:,}", _percent(count / len(found.announced)), _percent(recommended)
        )
    return table


def _bad_actors(found: AlarmPerformance) -> Table:
    table = Table(
        "rule", "subject", "code", "village", title="most frequent alarms", title_justify="left"
    )
    table.add_column("alerts", justify="right")
    table.add_column("share", justify="right")
    for alarm, count in sorted(found.alarms.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]:
        share = _percent(count / len(found.announced))
        table.add_row(alarm.rule, alarm.subject, alarm.code, alarm.village, f"{count:,}", share)
    return table


def _floods(found: AlarmPerformance, zone: tzinfo) -> Table:
    table = Table(
        "begin", "end", title=f"{len(found.floods)} floods, the longest first", title_justify="left"
    )
    table.add_column("alerts", justify="right")
    table.add_column("most in ten minutes", justify="right")
    longest = sorted(
        found.floods, key=lambda flood: (flood.end or found.until) - flood.begin, reverse=True
    )
    for flood in longest[:SHOWN]:
        end = "goes on" if flood.end is None else _time(flood.end, zone)
        table.add_row(_time(flood.begin, zone), end, f"{flood.alerts:,}", f"{flood.most:,}")
    return table


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _time(at: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).strftime("%Y-%m-%d %H:%M:%S")
