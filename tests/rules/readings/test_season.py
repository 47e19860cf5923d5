"""The heating season: where it begins and ends, whatever the year."""

from datetime import UTC, datetime

import numpy as np
import pytest

from rules.readings.season import Season
from wire.units import DAY_MS

BEIJING = Season()
INNER_MONGOLIA = Season((10, 1), (4, 30))
SUMMER = Season((3, 1), (9, 30))


def at(text: str) -> np.ndarray:
    """UTC ms of a local time in Beijing."""
    return np.array([round(datetime.fromisoformat(f"{text}+08:00").timestamp() * 1_000)])


def day(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000) // DAY_MS


@pytest.mark.parametrize(
    ("season", "moment", "began", "last"),
    [
        (BEIJING, "2025-11-01T00:00", "2025-11-01", "2026-03-31"),
        (BEIJING, "2026-02-28T12:00", "2025-11-01", "2026-03-31"),
        (BEIJING, "2026-10-31T23:59", "2025-11-01", "2026-03-31"),
        (BEIJING, "2027-12-31T23:59", "2027-11-01", "2028-03-31"),
        (INNER_MONGOLIA, "2026-04-30T23:59", "2025-10-01", "2026-04-30"),
        (SUMMER, "2026-09-30T23:59", "2026-03-01", "2026-09-30"),
        (SUMMER, "2026-01-01T00:00", "2025-03-01", "2025-09-30"),
    ],
)
def test_a_moment_belongs_to_the_season_that_began_last(
    season: Season, moment: str, began: str, last: str
) -> None:
    found = int(season.began(at(moment))[0])
    assert found == day(began)
    assert season.last_day(found) == day(last)
