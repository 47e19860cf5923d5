"""What need not be written each time is counted, for each sender and for all strangers."""

from desk.audit.tally import REFUSALS_A_MINUTE, STRANGERS_A_MINUTE, RefusalTally

NOW = 1_800_000_000_000


def test_strangers_of_many_addresses_share_a_bound_and_hide_no_known_caller() -> None:
    tally = RefusalTally()
    strangers = [f"nobody 2001:db8::{number:x}" for number in range(2 * STRANGERS_A_MINUTE)]
    written = [each for each in strangers if tally.count(each, NOW, is_known=False) is not None]
    assert len(written) == STRANGERS_A_MINUTE
    assert tally.count("li 192.0.2.1", NOW) == 0
    assert tally.count(strangers[-1], NOW + 60_000, is_known=False) == 1


def test_a_sender_has_so_many_lines_a_minute_and_then_a_number() -> None:
    tally = RefusalTally()
    counted = [tally.count("li 192.0.2.1", NOW) for _ in range(REFUSALS_A_MINUTE + 3)]
    assert counted == [0] * REFUSALS_A_MINUTE + [None] * 3
    assert tally.count("li 192.0.2.1", NOW + 60_000) == 3
