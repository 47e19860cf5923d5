"""The terms of service under which tickets are opened: their clocks, and the district's days."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from wire.units import HOUR_MS, MINUTE_MS


@dataclass(frozen=True, slots=True)
class ServiceProfile:
    """The three clocks in ms from `opened_at` (features row 5)."""

    dispatch_ms: int = 10 * MINUTE_MS
    onsite_ms: int = 2 * HOUR_MS
    repair_ms: int = 4 * HOUR_MS


@dataclass(frozen=True, slots=True)
class ServiceTerms:
    """A service profile, and the time zone whose days number the tickets."""

    zone: tzinfo
    profile: ServiceProfile = ServiceProfile()

    def ticket_day(self, opened_at: int) -> str:
        """The part of a ticket's id that names the day it was opened: `T-20261121-`."""
        return f"T-{datetime.fromtimestamp(opened_at / 1_000, self.zone):%Y%m%d}-"

    def ticket_id(self, opened_at: int, number: int) -> str:
        """`T-YYYYMMDD-NNNN`: the `number`th ticket of its day, counted from 1."""
        return f"{self.ticket_day(opened_at)}{number:04d}"
