"""When an alert raised from old readings may be told."""

from alerts.core.held_alerts import LIVE_WITHIN_MS, WATCH_MS, Watched, check, is_live

NOW = 1_763_740_000_000
HOURS = 3 * 3_600_000


def test_recent_data_is_live() -> None:
    assert is_live(NOW - LIVE_WITHIN_MS, NOW)
    assert not is_live(NOW - LIVE_WITHIN_MS - 1, NOW)


def test_held_until_the_newest_reading_is_recent() -> None:
    held = Watched(NOW - HOURS, NOW)
    assert check(held, NOW - HOURS // 2, NOW + 1_000) == held
    assert check(held, NOW - 1_000, NOW + 1_000) is None


def test_held_as_long_as_history_is_catching_up() -> None:
    held = Watched(NOW - HOURS, NOW)
    further = check(held, NOW - HOURS // 2, NOW + WATCH_MS)
    assert further == Watched(NOW - HOURS // 2, NOW + WATCH_MS)


def test_a_clock_that_is_merely_behind_is_believed_after_a_minute() -> None:
    held = Watched(NOW - HOURS, NOW)
    assert check(held, NOW - HOURS + WATCH_MS, NOW + WATCH_MS) is None


def test_a_device_that_says_no_more_is_believed_after_a_minute() -> None:
    assert check(Watched(NOW - HOURS, NOW), NOW - HOURS, NOW + WATCH_MS) is None
