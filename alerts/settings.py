"""The configuration tables of the alert service (contract §9)."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from configuration.fields import Duration, FilePath, Settings
from rules.readings.season import MonthDay as SeasonDay
from rules.readings.season import Season
from wire.units import DAY_MS, HOUR_MS

_LISTEN = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}")
_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(?!/)(?!:memory:)(?P<path>.+)")


class TicketsSettings(Settings):
    """`[tickets]`: where tickets live; any SQLAlchemy URL, a relative SQLite path is relative to
    the file."""

    url: Annotated[str, Field(validate_default=True)] = "sqlite:///tickets.db"

    @field_validator("url")
    @classmethod
    def _resolve(cls, url: str, info: ValidationInfo) -> str:
        match = _SQLITE.fullmatch(url)
        base = (info.context or {}).get("base")
        if match is None or base is None:
            return url
        return f"sqlite:///{(Path(base) / match['path']).absolute()}"


class HttpSettings(Settings):
    """`[http]`: the address of the API and console."""

    listen: str = "127.0.0.1:8080"

    @field_validator("listen")
    @classmethod
    def _check(cls, listen: str) -> str:
        if _LISTEN.fullmatch(listen) is None or int(listen.rpartition(":")[2]) > 65_535:
            raise ValueError("listen must look like 127.0.0.1:8080")
        return listen

    @property
    def host(self) -> str:
        """The address to listen on."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The TCP port to listen on; 0 takes a free one."""
        return int(self.listen.rpartition(":")[2])


class RulesSettings(Settings):
    """`[rules]`: rule files (glob patterns), and numbers a district changes: `[rules.override.<rule
    id>]`."""

    files: list[FilePath] = Field(default_factory=list)
    override: dict[str, dict[str, Any]] = Field(default_factory=dict)


def _month_and_day(text: str) -> str:
    try:
        date.fromisoformat(f"2000-{text}")
    except ValueError as error:
        raise ValueError(f"{text!r} is not a month and day; write it like 11-01") from error
    return text


MonthDay = Annotated[str, AfterValidator(_month_and_day)]


class SeasonSettings(Settings):
    """`[season]`: the heating season, both days included, in `timezone` (features row 4)."""

    start: MonthDay = "11-01"
    end: MonthDay = "03-31"
    timezone: str = "Asia/Shanghai"

    @field_validator("timezone")
    @classmethod
    def _check(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{timezone!r} is not a time zone of the tz database") from error
        return timezone

    def to_season(self) -> Season:
        """The season as the rules know it; a zone with summer time is taken at the offset of its
        winter."""
        winter = datetime(2025, 1, 1, tzinfo=ZoneInfo(self.timezone)).utcoffset() or timedelta()
        return Season(
            _season_day(self.start), _season_day(self.end), round(winter.total_seconds() * 1_000)
        )


def _season_day(text: str) -> SeasonDay:
    month, day = text.split("-")
    return int(month), int(day)


class ForecastSettings(Settings):
    """`[forecast]`: where the district's weather forecast is, a file or an http(s) URL, and how
    often it is read.

    Its form is that of `rules.forecast.forecast`; without a source there is none.
    """

    source: Annotated[str, Field(validate_default=True)] = ""
    every: Annotated[Duration, Field(ge=1_000)] = HOUR_MS

    @field_validator("source")
    @classmethod
    def _resolve(cls, source: str, info: ValidationInfo) -> str:
        base = (info.context or {}).get("base")
        if not source or cls.is_url(source) or base is None:
            return source
        if "://" in source:
            raise ValueError("write a path, or a URL that begins with http:// or https://")
        return str((Path(base) / source).absolute())

    @staticmethod
    def is_url(source: str) -> bool:
        """Whether it is to be asked of a web server."""
        return source.startswith(("http://", "https://"))


class AlertsSettings(Settings):
    """`[alerts]`: rule state, the three SLA clocks counted from `opened_at` (features row 5), and
    pacing.

    `operators` is how many people on duty share the alerts; the figures of alarm performance are
    per operator.
    """

    state: Annotated[FilePath, Field(validate_default=True)] = Path("alerts-state")
    client_id: str = "hearthwatch-alerts"
    dispatch_within: Duration = 10 * 60_000
    onsite_within: Duration = 2 * HOUR_MS
    repair_within: Duration = 4 * HOUR_MS
    snapshot_every: Duration = 30_000
    catch_up: Duration = 2 * HOUR_MS
    feed_kept: Duration = DAY_MS
    operators: Annotated[int, Field(ge=1, le=1_000)] = 1
