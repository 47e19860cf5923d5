from zoneinfo import ZoneInfo

from wire.local_days import BEIJING_OFFSET_MS, begin_of, offset_of
from wire.units import DAY_MS, HOUR_MS


def test_a_zone_has_one_offset_that_of_winter() -> None:
    assert offset_of(ZoneInfo("Asia/Shanghai")) == BEIJING_OFFSET_MS
    assert offset_of(ZoneInfo("Asia/Urumqi")) == 6 * HOUR_MS
    assert offset_of(ZoneInfo("Europe/Berlin")) == HOUR_MS


def test_a_day_begins_at_local_midnight() -> None:
    midnight = 20_000 * DAY_MS - BEIJING_OFFSET_MS
    assert begin_of(midnight, DAY_MS, BEIJING_OFFSET_MS) == midnight
    assert begin_of(midnight + DAY_MS - 1, DAY_MS, BEIJING_OFFSET_MS) == midnight
    assert begin_of(midnight - 1, DAY_MS, BEIJING_OFFSET_MS) == midnight - DAY_MS
    assert begin_of(midnight + HOUR_MS + 5, HOUR_MS, BEIJING_OFFSET_MS) == midnight + HOUR_MS
