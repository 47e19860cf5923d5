"""Alarm performance (ISA-18.2, IEC 62682): measured from the ticket database, as tables."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Final

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
from wire.units import HOUR_MS

_EVERYTHING: Final = Scope("district")


def measure_performance(
    database_url: str,
    period: tuple[int, int],
    operators: int,
    *,
    town: str | None = None,
    village: str | None = None,
) -> AlarmPerformance:
    """Return the figures of the district, a town or a village over `period` (UTC ms).

    `operators` is how many people are on duty at once. Raises UsageError for a place without a
    gateway or device, and UnreachableError.
    """
    try:
        with reading(open_database(database_url)) as session:
            if (town, village) != (None, None) and not sees_place(
                session, _EVERYTHING, town, village
            ):
                raise UsageError(
                    "no gateway or device is known in that place; see --town and --village"
                )
            notified = announcements(session, _EVERYTHING, *period, town, village)
    except DatabaseError as error:
        raise UsageError(str(error)) from error
    except SQLAlchemyError as error:
        raise UnreachableError(
            f"the ticket database does not answer: {error}; see [tickets] url"
        ) from error
    return measure(notified, *period, operators)


def performance_tables(figures: AlarmPerformance, zone: tzinfo) -> list[Table]:
    """Return the tables that have rows; times are in `zone`."""
    tables = (_rates(figures), _priorities(figures), _bad_actors(figures), _floods(figures, zone))
    return [table for table in tables if table.row_count]


def _rates(figures: AlarmPerformance) -> Table:
    table = Table(
        title=f"{len(figures.announced):,} alerts, {figures.operators} on duty",
        title_justify="left",
    )
    table.add_column("figure")
    table.add_column("found", justify="right")
    table.add_column("at most", justify="right")
    for row in _rate_rows(figures):
        table.add_row(*row)
    return table


def _rate_rows(figures: AlarmPerformance) -> Iterator[tuple[str, str, str]]:
    yield (
        "alerts per operator and hour",
        f"{figures.per_operator_hour:.2f}",
        f"{AIMS['per_operator_hour']:.0f}",
    )
    for limit in HOURLY_LIMITS:
        aim = _percent(AIMS["hours_above_30_share"]) if limit == HOURLY_LIMITS[-1] else ""
        yield (
            f"hours with more than {limit} per operator",
            _percent(figures.share_above(limit, HOUR_MS)),
            aim,
        )
    above = figures.share_above(FLOOD_BEGINS, TEN_MINUTES_MS)
    yield (
        "ten minutes with more than 10 per operator",
        _percent(above),
        _percent(AIMS["ten_minutes_above_10_share"]),
    )
    most = AIMS["ten_minutes_most_per_operator"] * figures.operators
    yield "most alerts in ten minutes", str(figures.most_within(TEN_MINUTES_MS)), f"{most:.0f}"
    yield "time in a flood", _percent(figures.flood_share), _percent(AIMS["flood_share"])
    yield "chattering alarms", str(len(figures.chattering)), f"{AIMS['chattering']:.0f}"
    yield "fleeting alarms", str(len(figures.fleeting)), f"{AIMS['fleeting']:.0f}"
    yield (
        "stale alerts (active for more than 24 h)",
        str(len(figures.stale)),
        f"{AIMS['stale']:.0f}",
    )


def _priorities(figures: AlarmPerformance) -> Table:
    table = Table("priority", title="priorities", title_justify="left")
    for column in ("alerts", "share", "recommended"):
        table.add_column(column, justify="right")
    for name, recommended in RECOMMENDED.items() if figures.announced else ():
        count = figures.priorities[name]
        table.add_row(
            name, f"{count:,}", _percent(count / len(figures.announced)), _percent(recommended)
        )
    return table


def _bad_actors(figures: AlarmPerformance) -> Table:
    table = Table(
        "rule", "subject", "code", "village", title="most frequent alarms", title_justify="left"
    )
    table.add_column("alerts", justify="right")
    table.add_column("share", justify="right")
    for alarm, count in sorted(figures.alarms.items(), key=lambda item: (-item[1], item[0]))[
        :SHOWN
    ]:
        share = _percent(count / len(figures.announced))
        table.add_row(alarm.rule, alarm.subject, alarm.code, alarm.village, f"{count:,}", share)
    return table


def _floods(figures: AlarmPerformance, zone: tzinfo) -> Table:
    table = Table(
        "begin",
        "end",
        title=f"{len(figures.floods)} floods, the longest first",
        title_justify="left",
    )
    table.add_column("alerts", justify="right")
    table.add_column("most in ten minutes", justify="right")
    longest = sorted(
        figures.floods, key=lambda flood: (flood.end or figures.until) - flood.begin, reverse=True
    )
    for flood in longest[:SHOWN]:
        end = "goes on" if flood.end is None else _time(flood.end, zone)
        table.add_row(_time(flood.begin, zone), end, f"{flood.alerts:,}", f"{flood.most:,}")
    return table


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _time(at: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).strftime("%Y-%m-%d %H:%M:%S")
