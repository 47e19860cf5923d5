from ingest.store.hours import Retention, finished_before, hour_of, hour_summary
from ingest.store.model import PointSummary
from wire.local_days import BEIJING_OFFSET_MS
from wire.units import DAY_MS, HOUR_MS

NOON = 1_763_740_800_000 // DAY_MS * DAY_MS + 12 * HOUR_MS
MINUTE = 60_000


def test_an_hour_is_finished_ten_minutes_after_its_end() -> None:
    assert finished_before(NOON + 10 * MINUTE - 1) == NOON - HOUR_MS
    assert finished_before(NOON + 10 * MINUTE) == NOON
    assert hour_of(NOON - 1) == NOON - HOUR_MS


def test_whole_days_are_forgotten() -> None:
    kept = Retention(readings=2 * DAY_MS)
    midnight = NOON - 12 * HOUR_MS - BEIJING_OFFSET_MS  # noon of UTC is in the evening of that day
    assert kept.oldest_reading(NOON, BEIJING_OFFSET_MS) == midnight - 2 * DAY_MS
    assert kept.oldest_reading(midnight + DAY_MS - 1, BEIJING_OFFSET_MS) == midnight - 2 * DAY_MS
    assert kept.oldest_hour(NOON, BEIJING_OFFSET_MS) is None


def test_an_hour_without_a_value_has_no_statistics_and_zero_is_a_value() -> None:
    assert hour_summary(NOON, [None, None]) == PointSummary(NOON)
    assert hour_summary(NOON, [0.0, None, -3.0]) == PointSummary(NOON, 2, -1.5, -3.0, 0.0)
