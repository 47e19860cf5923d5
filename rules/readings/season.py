"""The heating season and the local time of day."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.readings.columns import Bools, Ints
from wire.units import DAY_MS, HOUR_MS

MonthDay = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Season:
    """The season from `start` to `end`, both days included, in local time `offset_ms` from UTC.

    The default is Beijing's: November 1 to March 31 (requirements R21). China has no summer time.
    """

    start: MonthDay = (11, 1)
    end: MonthDay = (3, 31)
    offset_ms: int = 8 * HOUR_MS

    def days(self, at: Ints) -> Ints:
        """The local day of each event time (UTC ms), counted from 1970-01-01."""
        return (at + self.offset_ms) // DAY_MS

    def time_of_day(self, at: Ints) -> Ints:
        """Milliseconds since local midnight."""
        return (at + self.offset_ms) % DAY_MS

    def holds(self, at: Ints) -> Bools:
        """Whether each event time is in the heating season."""
        # A batch seldom spans more than a day or two.
        days, back = np.unique(self.days(at), return_inverse=True)
        return self._holds_on(days)[back]

    def began(self, at: Ints) -> Ints:
        """The local day, from 1970, on which the season of each event time, or the last, began."""
        dates = self.days(at).astype("datetime64[D]")
        years = dates.astype("datetime64[Y]")
        this_year = _date(years, self.start)
        began: Ints = np.where(dates >= this_year, this_year, _date(years - 1, self.start)).astype(
            np.int64
        )
        return began

    def last_day(self, began: int) -> int:
        """The last local day of the season that began on the local day `began`."""
        first = np.array([began]).astype("datetime64[D]")
        year = first.astype("datetime64[Y]")
        end = _date(year, self.end)
        return int(np.where(end >= first, end, _date(year + 1, self.end)).astype(np.int64)[0])

    def _holds_on(self, days: NDArray[np.int64]) -> Bools:
        dates = days.astype("datetime64[D]")
        months = dates.astype("datetime64[M]")
        month = months.astype(np.int64) % 12 + 1
        day = (dates - months).astype(np.int64) + 1
        number = 100 * month + day
        first, last = (100 * month + day for month, day in (self.start, self.end))
        begun: Bools = number >= first
        not_over: Bools = number <= last
        return begun & not_over if first <= last else begun | not_over


def _date(years: NDArray[np.datetime64], month_day: MonthDay) -> NDArray[np.datetime64]:
    """The same day of each year."""
    month, day = month_day
    return (years.astype("datetime64[M]") + (month - 1)).astype("datetime64[D]") + (day - 1)
