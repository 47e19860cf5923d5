"""The reading store: its operations, its values, and its errors."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from wire.local_days import begin_of
from wire.messages import Reading
from wire.points import POINTS
from wire.topics import GatewayPath

if TYPE_CHECKING:  # a writer of readings needs no numpy
    from ingest.store.columns import ReadingColumns


class StoreUnavailable(Exception):  # noqa: N818 - a state of the store, not a mistake of ours
    """The store cannot take or return readings now; a retry helps. The text says what to do."""


@dataclass(slots=True)
class StoredReading:
    """One reading with its source: the gateway, and the epoch and number of its message."""

    gateway: GatewayPath
    epoch: str
    seq: int
    reading: Reading


OF_CONTENT: Final = (ArithmeticError, TypeError, UnicodeEncodeError)
"""Errors of a store that a value causes, not the state of the store."""

RefusalCode = Literal["too_old", "store_refused", "unprocessable"]


@dataclass(slots=True)
class RefusedReading:
    """A reading that the store refuses for good; `detail` is the store's own explanation."""

    stored: StoredReading
    code: RefusalCode
    detail: str


@dataclass(slots=True)
class Prepared:
    """Readings, and their form for the write: lines, or rows by the points that they have."""

    readings: Sequence[StoredReading]
    forms: Sequence[Any]


Series = list[tuple[int, float | None]]
"""`(at in UTC ms, value)` in time order; None is no value."""


@dataclass(frozen=True, slots=True)
class PointSummary:
    """One point over one step of time from `at` (UTC ms); None where there are no values."""

    at: int
    count: int = 0
    mean: float | None = None
    minimum: float | None = None
    maximum: float | None = None


Summaries = dict[str, list[PointSummary]]
"""Summaries by point, in time order."""


@dataclass(frozen=True, slots=True)
class Area:
    """All devices of a district, of one of its towns, or of one village of that town."""

    district: str
    town: str | None = None
    village: str | None = None

    def levels(self) -> dict[str, str]:
        """Return the given levels by name, outermost first."""
        named = {"district": self.district, "town": self.town, "village": self.village}
        return {name: value for name, value in named.items() if value is not None}


def never() -> bool:
    """Return False: the work is never to stop."""
    return False


class ReadingStore(Protocol):
    """One point per device and time (contract §5). Times are UTC ms; a range is `start <= at <
    end`.

    `writers` is the number of simultaneous writes that is fastest. Above 1, `write_prepared` may
    run in several threads. `offset_ms` is local time less UTC, in whole hours: buckets are steps of
    local time (`wire.local_days`), so that those of a day begin at midnight.
    """

    writers: int
    offset_ms: int

    def write(self, readings: Sequence[StoredReading]) -> list[RefusedReading]:
        """Store `readings`, and return those refused for good. A second write changes nothing.

        Raises StoreUnavailable: some may be stored, and all must be written again.
        """
        ...

    def prepare(self, readings: Sequence[StoredReading]) -> Prepared:
        """Do the first half of `write`, without I/O, perhaps while another thread writes."""
        ...

    def write_prepared(self, prepared: Prepared) -> list[RefusedReading]:
        """Do the second half of `write`."""
        ...

    def since(self, at: int, limit: int | None = None) -> Iterator[StoredReading]:
        """Yield readings later than `at` by event time, then device; at most `limit`."""
        ...

    def latest(self) -> dict[str, StoredReading]:
        """Return the newest reading of each device."""
        ...

    def window(
        self, device: str, start: int, end: int, points: Sequence[str], step: int | None
    ) -> dict[str, Series]:
        """Return each of `points` of one device: every reading, or with `step` (ms) means.

        Means are per bucket, a step of local time. None stands for an empty bucket
        and for a reading without the point. Raises ValueError for an unknown point.
        """
        ...

    def summaries(
        self, device: str, start: int, end: int, points: Sequence[str], step: int
    ) -> Summaries:
        """Return each of `points` of one device per bucket of `step` ms, empty buckets included.

        Raises ValueError as `window`.
        """
        ...

    def hours(self, device: str, start: int, end: int, points: Sequence[str]) -> Summaries:
        """Return the hourly aggregates of whole hours in the range; they outlive the readings.

        Unfinished hours and hours without readings are left out. Raises ValueError as `window`.
        """
        ...

    def fleet(self, area: Area, start: int, end: int, point: str, step: int) -> list[PointSummary]:
        """Return `point` over the devices of `area` per bucket of `step` ms, also empty ones.

        `count` is the number of devices with a value. The statistics are over the mean of each
        device, so that frequent polls weigh no more. Raises ValueError as `window`.
        """
        ...

    def fleet_hours(
        self, area: Area, start: int, end: int, point: str, step: int
    ) -> list[PointSummary]:
        """As `fleet`, from the hourly aggregates of whole hours in the range.

        `step` is a multiple of an hour.
        """
        ...

    def history(self, device: str, start: int, end: int) -> list[StoredReading]:
        """Return all readings of one device, in time order."""
        ...

    def columns(
        self, devices: Sequence[str], start: int, end: int, points: Sequence[str]
    ) -> "ReadingColumns":
        """Return all readings of `devices`, none named twice, as columns; only `points` are read.

        Raises ValueError as `window`.
        """
        ...

    def tend(self, now: int, stopped: Callable[[], bool] = never) -> None:
        """Aggregate the hours finished at `now` (UTC ms), and forget readings that are too old.

        Late readings are included. A repetition, also in other processes, changes nothing. After a
        long outage this takes hours: it ends between two pieces of work once `stopped()` is true,
        and the next call continues. Raises StoreUnavailable.
        """
        ...

    def check(self) -> None:
        """Raise StoreUnavailable, with advice, if the store does not answer."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...


def raw_series(history: Sequence[StoredReading], points: Sequence[str]) -> dict[str, Series]:
    """Return the values of `points` as they were read; None for a reading without the point."""
    return {
        point: [(stored.reading.at, stored.reading.values.get(point)) for stored in history]
        for point in points
    }


def means(summaries: Summaries) -> dict[str, Series]:
    """Return only the means of `summaries`."""
    return {
        point: [(bucket.at, bucket.mean) for bucket in series]
        for point, series in summaries.items()
    }


def summary(at: int, count: int | None, *statistics: float | None) -> PointSummary:
    """Return a summary of mean, minimum and maximum, rounded to a millionth.

    Databases add in different order, so that their last digits differ.
    """
    return PointSummary(
        at, count or 0, *(None if value is None else round(value, 6) for value in statistics)
    )


def with_gaps(
    filled: Iterable[PointSummary], start: int, end: int, step: int, offset_ms: int
) -> list[PointSummary]:
    """Return every bucket of the range: `filled` ones by their start, all others empty."""
    known = {bucket.at: bucket for bucket in filled}
    first = begin_of(start, step, offset_ms)
    return [known.get(bucket, PointSummary(bucket)) for bucket in range(first, end, step)]


def check_points(points: Sequence[str]) -> None:
    """Raise ValueError for an unknown point, before its name gets into a query."""
    unknown = [point for point in points if point not in POINTS]
    if unknown:
        raise ValueError(f"no such point: {', '.join(unknown)}")
