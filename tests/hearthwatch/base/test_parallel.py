"""Work spread over processes: the same answers in order, progress, and errors that come through."""

import pytest

from hearthwatch.base.parallel import Progress, spread


def divide(plan: int, part: int, progress: Progress) -> int:
    progress(part)
    return plan // part


@pytest.mark.parametrize("workers", [1, 2])
def test_answers_come_in_order_and_progress_adds_up(workers: int) -> None:
    told: list[int] = []
    assert list(spread(divide, 12, [1, 2, 3, 4], workers, told.append)) == [12, 6, 4, 3]
    assert sum(told) == 10


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_raised_here(workers: int) -> None:
    with pytest.raises(ZeroDivisionError):
        list(spread(divide, 12, [1, 0], workers, lambda done: None))
