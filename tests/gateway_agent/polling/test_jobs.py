"""The queue of a line: in order, one thing at a time, and nothing left hanging at the end."""

from concurrent.futures import CancelledError

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus, ReplyError
from gateway_agent.polling.jobs import Jobs

BUS = Bus(parse_line("tcp://127.0.0.1:1"))


def test_one_thing_at_a_time_in_order() -> None:
    jobs = Jobs()
    futures = [jobs.submit(lambda bus, number=number: (bus, number)) for number in range(3)]  # type: ignore[misc]
    jobs.do_next(BUS)
    assert [future.done() for future in futures] == [True, False, False]
    for _ in range(3):
        jobs.do_next(BUS)
    assert [future.result(0) for future in futures] == [(BUS, 0), (BUS, 1), (BUS, 2)]


def test_what_the_line_raises_is_told_and_what_nobody_foresaw_is_not_hidden() -> None:
    def silent(_: Bus) -> None:
        raise ReplyError("no_reply")

    def broken(_: Bus) -> None:
        raise ZeroDivisionError

    jobs = Jobs()
    future = jobs.submit(silent)
    jobs.do_next(BUS)
    with pytest.raises(ReplyError, match="no_reply"):
        future.result(0)
    jobs.submit(broken)
    with pytest.raises(ZeroDivisionError):
        jobs.do_next(BUS)


def test_at_the_end_everything_is_cancelled_and_what_was_cancelled_is_not_done() -> None:
    jobs = Jobs()
    withdrawn = jobs.submit(lambda _: pytest.fail("it was withdrawn"))
    assert withdrawn.cancel()
    jobs.do_next(BUS)
    waiting = jobs.submit(lambda _: None)
    jobs.end()
    for future in (waiting, jobs.submit(lambda _: None)):
        with pytest.raises(CancelledError):
            future.result(0)
