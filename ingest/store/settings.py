"""The `[store]` table of server.toml: the files or server for readings (contract §9)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import unquote, urlsplit

from pydantic import Field, ValidationInfo, field_validator

from configuration.fields import Duration, FilePath, Settings, StatePath, resolve_state_path
from ingest.store.hours import Retention
from wire.units import HOUR_MS

_SQLITE: Final = "sqlite:"
_INFLUX: Final = "influxdb+"
_EXPECTED: Final = (
    "url must be sqlite:FILE or influxdb+http://HOST:8086/ORG/BUCKET (or influxdb+https://…)"
)


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """An InfluxDB: the server's base URL, the organisation, and the bucket (1.x: database)."""

    server: str
    organisation: str
    bucket: str

    @property
    def hourly_bucket(self) -> str:
        """Return the bucket of the hourly aggregates, which outlive the readings."""
        return f"{self.bucket}_hourly"


class StoreSettings(Settings):
    """The reading store's address, the file with its token, the dead-letter file, and how long
    readings are kept.

    `retention` is of readings, `hourly_retention` of their hourly aggregates; `0d` is for ever.
    Without one readings are kept for ever, and a bucket of InfluxDB as it was made.
    """

    url: Annotated[
        str,
        Field(
            description="Reading store: sqlite:FILE, or influxdb+http://HOST:8086/ORG/BUCKET.",
            validate_default=True,
        ),
    ] = "sqlite:readings.db"
    token_file: Annotated[
        FilePath | None, Field(description="File with the access token of InfluxDB.")
    ] = None
    dead_letters: Annotated[
        StatePath,
        Field(
            description="File that takes each rejected message or reading as a JSON line.",
            validate_default=True,
        ),
    ] = Path("dead-letters.jsonl")
    retention: Annotated[
        Duration | None,
        Field(description="How long readings are kept, at least 1h; 0d is for ever."),
    ] = None
    hourly_retention: Annotated[
        Duration | None,
        Field(description="How long the hourly aggregates are kept, at least 1h; 0d is for ever."),
    ] = None

    @field_validator("url")
    @classmethod
    def _check(cls, url: str, info: ValidationInfo) -> str:
        if url.startswith(_SQLITE) and url != _SQLITE:
            return _SQLITE + str(resolve_state_path(Path(url.removeprefix(_SQLITE)), info))
        if _influx(url) is not None:
            return url
        raise ValueError(_EXPECTED)

    @field_validator("retention", "hourly_retention")
    @classmethod
    def _check_retention(cls, retention: int | None) -> int | None:
        if retention and retention < HOUR_MS:
            raise ValueError("at least 1h, or 0d for ever")
        return retention

    @property
    def kept(self) -> Retention:
        """Return both retentions; 0 in the configuration means for ever."""
        return Retention(self.retention or None, self.hourly_retention or None)

    @property
    def target(self) -> Path | InfluxAddress:
        """Return the SQLite file, or the address of the InfluxDB."""
        return _influx(self.url) or Path(self.url.removeprefix(_SQLITE))


def _influx(url: str) -> InfluxAddress | None:
    if not url.startswith(_INFLUX):
        return None
    parts = urlsplit(url.removeprefix(_INFLUX))
    levels = parts.path.strip("/").split("/")
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or len(levels) != 2
        or not all(levels)
    ):
        return None
    return InfluxAddress(f"{parts.scheme}://{parts.netloc}", unquote(levels[0]), unquote(levels[1]))
