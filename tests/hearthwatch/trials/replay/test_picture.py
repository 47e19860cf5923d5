from hearthwatch.trials.replay.picture import _edges
from wire.local_days import BEIJING_OFFSET_MS
from wire.units import DAY_MS, HOUR_MS

MIDNIGHT = 20_000 * DAY_MS - BEIJING_OFFSET_MS


def test_a_day_of_the_picture_is_a_local_day() -> None:
    since, until = MIDNIGHT + 5 * HOUR_MS, MIDNIGHT + 2 * DAY_MS
    edges = _edges(since, until, DAY_MS, BEIJING_OFFSET_MS).tolist()
    assert edges == [MIDNIGHT, MIDNIGHT + DAY_MS, MIDNIGHT + 2 * DAY_MS]
