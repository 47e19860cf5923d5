"""The configuration tables of the alert service (contract §9)."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from configuration.fields import DEFAULT_TIME_ZONE, Duration, FilePath, Settings, TimeZoneName
from rules.readings.season import MonthDay as SeasonDay
from rules.readings.season import Season
from wire.local_days import offset_of
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS


class RulesSettings(Settings):
    """`[rules]`: rule files (glob patterns), and numbers a district changes.

    `[rules.override.<rule id>]` holds the numbers.
    """

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
    timezone: TimeZoneName = DEFAULT_TIME_ZONE

    @property
    def zone(self) -> ZoneInfo:
        """The district's time zone: of its days, its tickets' numbers and its tariff."""
        return ZoneInfo(self.timezone)

    def to_season(self) -> Season:
        """The season as the rules know it."""
        return Season(_season_day(self.start), _season_day(self.end), offset_of(self.zone))


def _season_day(text: str) -> SeasonDay:
    month, day = text.split("-")
    return int(month), int(day)


class ForecastSettings(Settings):
    """`[forecast]`: the district's weather forecast, a file or an http(s) URL.

    Its form is that of `rules.forecast`; without a source there is none.
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
        """Whether a web server answers for it."""
        return source.startswith(("http://", "https://"))


class AlertsSettings(Settings):
    """`[alerts]`: rule state, the three clocks of a ticket (features row 5), and pacing.

    The clocks count from `opened_at`. `operators` people on duty share the alerts: the figures of
    alarm performance are per operator.
    """

    state: Annotated[FilePath, Field(validate_default=True)] = Path("alerts-state")
    client_id: str = "hearthwatch-alerts"
    dispatch_within: Duration = 10 * MINUTE_MS
    onsite_within: Duration = 2 * HOUR_MS
    repair_within: Duration = 4 * HOUR_MS
    snapshot_every: Duration = 30_000
    catch_up: Duration = 2 * HOUR_MS
    feed_kept: Duration = DAY_MS
    operators: Annotated[int, Field(ge=1, le=1_000)] = 1
