"""What a reading store takes and gives, and what can go wrong with it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from wire.messages import Reading
from wire.points import POINTS
from wire.topics import GatewayPath

if TYPE_CHECKING:  # a writer of readings has no use for numpy
    from ingest.store.columns import ReadingColumns


class StoreUnavailable(Exception):  # noqa: N818 - a state or an answer, not a mistake of ours
    """The store cannot take or give readings now; trying again later helps. The text says what to
    do."""


@dataclass(slots=True)
class StoredReading:
    """One reading with where it came from: the gateway and the number of its message."""

    gateway: GatewayPath
    epoch: str
    seq: int
    reading: Reading


RefusalCode = Literal["too_old", "store_refused"]


@dataclass(slots=True)
class RefusedReading:
    """A reading the store will never take; `detail` is the store's own explanation."""

    stored: StoredReading
    code: RefusalCode
    detail: str


@dataclass(slots=True)
class Prepared:
    """Readings, and what the store made of them ahead of the write: lines, or rows by the points
    they give."""

    readings: Sequence[StoredReading]
    forms: Sequence[Any]


Series = list[tuple[int, float | None]]
"""`(at in UTC ms, value)` in time order; None where there is none."""


@dataclass(frozen=True, slots=True)
class PointSummary:
    """One point from `at` (UTC ms) for one step of time: how many values there were, and None
    thrice where none."""

    at: int
    count: int = 0
    mean: float | None = None
    minimum: float | None = None
    maximum: float | None = None


Summaries = dict[str, list[PointSummary]]
"""By point, in time order."""


@dataclass(frozen=True, slots=True)
class Area:
    """The devices of a district, of one of its towns, or of one of that town's villages."""

    district: str
    town: str | None = None
    village: str | None = None

    def levels(self) -> dict[str, str]:
        """The levels that are given, by name, outermost first."""
        named = {"district": self.district, "town": self.town, "village": self.village}
        return {name: value for name, value in named.items() if value is not None}


def never() -> bool:
    """Work that is not to be stopped."""
    return False


class ReadingStore(Protocol):
    """One point per device and time (contract §5). Times are UTC ms; a range is `start <= at <
    end`.

    `writers` is how many writes at once make it faster; more than one only where `write_prepared`
    may run in several threads.
    """

    writers: int

    def write(self, readings: Sequence[StoredReading]) -> list[RefusedReading]:
        """Store `readings`; writing one again changes nothing. Returns those refused for good.

        Raises StoreUnavailable: nothing is known about what was stored, and all of it is to be
        written again.
        """
        ...

    def prepare(self, readings: Sequence[StoredReading]) -> Prepared:
        """The first half of `write`, without I/O: it may run while another thread writes."""
        ...

    def write_prepared(self, prepared: Prepared) -> list[RefusedReading]:
        """The second half of `write`."""
        ...

    def since(self, at: int, limit: int | None = None) -> Iterator[StoredReading]:
        """Readings later than `at`, in order of event time, then device; at most `limit`."""
        ...

    def latest(self) -> dict[str, StoredReading]:
        """The newest reading of each device."""
        ...

    def window(
        self, device: str, start: int, end: int, points: Sequence[str], step: int | None
    ) -> dict[str, Series]:
        """Each of `points` of one device; with `step` (ms) its mean per bucket, None where a bucket
        is empty.

        Buckets begin at multiples of `step`. Without `step`, every reading, None where it lacks the
        point. Raises ValueError for a point that does not exist.
        """
        ...

    def summaries(
        self, device: str, start: int, end: int, points: Sequence[str], step: int
    ) -> Summaries:
        """Each of `points` of one device per bucket of `step` ms, empty buckets included; as
        `window` otherwise."""
        ...

    def hours(self, device: str, start: int, end: int, points: Sequence[str]) -> Summaries:
        """The hourly aggregates there are of whole hours in the range; they outlive the readings.

        An hour that is not finished, or without a reading, is left out. Raises ValueError as
        `window`.
        """
        ...

    def fleet(self, area: Area, start: int, end: int, point: str, step: int) -> list[PointSummary]:
        """`point` over the devices of `area` per bucket of `step` ms, empty buckets included.

        `count` is how many devices gave a value; the rest is over each device's mean, so that one
        that is read more often weighs no more. Raises ValueError as `window`.
        """
        ...

    def fleet_hours(
        self, area: Area, start: int, end: int, point: str, step: int
    ) -> list[PointSummary]:
        """As `fleet`, from the hourly aggregates of whole hours in the range; `step` is a multiple
        of an hour."""
        ...

    def history(self, device: str, start: int, end: int) -> list[StoredReading]:
        """All readings of one device, in time order."""
        ...

    def columns(
        self, devices: Sequence[str], start: int, end: int, points: Sequence[str]
    ) -> "ReadingColumns":
        """All readings of `devices`, none named twice, as columns, of which `points` alone are
        read.

        Raises ValueError as `window`.
        """
        ...

    def tend(self, now: int, stopped: Callable[[], bool] = never) -> None:
        """Aggregate the hours that are finished at `now` (UTC ms), late readings included, and
        forget what is too old.

        Doing it again, at any time and in several processes, changes nothing. After a long outage
        there may be hours of work: between two pieces of it `stopped` is asked whether to leave the
        rest for another time. Raises StoreUnavailable.
        """
        ...

    def check(self) -> None:
        """Raise StoreUnavailable, saying what to do, where the store does not answer."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def raw_series(history: Sequence[StoredReading], points: Sequence[str]) -> dict[str, Series]:
    """The values of `points` as they were read; None where a reading lacks the point."""
    return {
        point: [(one.reading.at, one.reading.values.get(point)) for one in history]
        for point in points
    }


def means(summaries: Summaries) -> dict[str, Series]:
    """The means alone."""
    return {point: [(one.at, one.mean) for one in series] for point, series in summaries.items()}


def summary(at: int, count: int | None, *statistics: float | None) -> PointSummary:
    """A summary as a database answers it: mean, minimum, maximum, rounded to a millionth.

    Stores add up in different order, so that their last digits differ.
    """
    return PointSummary(
        at, count or 0, *(None if value is None else round(value, 6) for value in statistics)
    )


def with_gaps(found: Iterable[PointSummary], start: int, end: int, step: int) -> list[PointSummary]:
    """`found` by bucket start, with an explicit empty one for every other bucket of the range."""
    known = {one.at: one for one in found}
    return [
        known.get(bucket, PointSummary(bucket)) for bucket in range(start // step * step, end, step)
    ]


def check_points(points: Sequence[str]) -> None:
    """Raise ValueError for a point that does not exist, before its name gets into a query."""
    unknown = [point for point in points if point not in POINTS]
    if unknown:
        raise ValueError(f"no such point: {', '.join(unknown)}")
