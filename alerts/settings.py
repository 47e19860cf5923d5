"""The configuration tables of the alert service (contract §9)."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from configuration.fields import (
    DEFAULT_TIME_ZONE,
    Duration,
    FilePath,
    Settings,
    StatePath,
    TimeZoneName,
)
from desk.audit.trail import KEPT_AT_LEAST_MS
from rules.readings.season import MonthDay as SeasonDay
from rules.readings.season import Season
from wire.local_days import offset_of
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS


class RulesSettings(Settings):
    """`[rules]`: rule files (glob patterns), and numbers a district changes.

    `[rules.override.<rule id>]` holds the numbers.
    """

    files: list[FilePath] = Field(
        description="Rule files or patterns of such; without one, the shipped rules apply.",
        default_factory=list,
    )
    override: dict[str, dict[str, Any]] = Field(
        description="Keys of a rule to change, in a table [rules.override.RULE].",
        default_factory=dict,
    )


def _month_and_day(text: str) -> str:
    try:
        date.fromisoformat(f"2000-{text}")
    except ValueError as error:
        raise ValueError(f"{text!r} is not a month and day; write it like 11-01") from error
    return text


MonthDay = Annotated[str, AfterValidator(_month_and_day)]


class SeasonSettings(Settings):
    """`[season]`: the heating season, both days included, in `timezone` (features row 4)."""

    start: Annotated[
        MonthDay, Field(description="First day of the heating season, as month and day.")
    ] = "11-01"
    end: Annotated[
        MonthDay, Field(description="Last day of the heating season, as month and day.")
    ] = "03-31"
    timezone: Annotated[
        TimeZoneName, Field(description="Time zone of the district, a name of the tz database.")
    ] = DEFAULT_TIME_ZONE

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

    source: Annotated[
        str,
        Field(
            description="File or http(s) URL of the weather forecast; empty for none.",
            validate_default=True,
        ),
    ] = ""
    every: Annotated[
        Duration, Field(description="Time between two looks at the forecast.", ge=1_000)
    ] = HOUR_MS

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

    state: Annotated[
        StatePath, Field(description="Folder with the state of the rules.", validate_default=True)
    ] = Path("alerts-state")
    client_id: Annotated[
        str, Field(description="Name of the session with the broker; each process has its own.")
    ] = "hearthwatch-alerts"
    dispatch_within: Annotated[
        Duration,
        Field(description="Time from the opening of a ticket until it must be dispatched."),
    ] = 10 * MINUTE_MS
    onsite_within: Annotated[
        Duration,
        Field(description="Time from the opening of a ticket until the crew must be on site."),
    ] = 2 * HOUR_MS
    repair_within: Annotated[
        Duration,
        Field(description="Time from the opening of a ticket until the repair must be done."),
    ] = 4 * HOUR_MS
    snapshot_every: Annotated[
        Duration, Field(description="Time between two snapshots of the rules' state.")
    ] = 30_000
    catch_up: Annotated[
        Duration, Field(description="How far back readings are read from the store after a start.")
    ] = 2 * HOUR_MS
    feed_kept: Annotated[
        Duration, Field(description="How long the events of the live feed are kept.")
    ] = DAY_MS
    audit_kept: Annotated[
        Duration,
        Field(description="How long the audit log is kept, at least 183d.", ge=KEPT_AT_LEAST_MS),
    ] = 400 * DAY_MS
    operators: Annotated[
        int,
        Field(
            description="Number of people on duty at once; alarm figures count per operator.",
            ge=1,
            le=1_000,
        ),
    ] = 1
