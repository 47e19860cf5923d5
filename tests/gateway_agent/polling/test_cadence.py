"""Status polls often, readings once an interval, slow points rarely; every sweep has one load."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway_agent.polling.cadence import Cadence, Rota, Visit

CADENCES = st.builds(
    Cadence, st.integers(1, 120).map(float), st.integers(1, 60).map(float), st.integers(1, 12)
)


def visits(rota: Rota, sweeps: int, jitter: list[float]) -> list[Visit]:
    """What is done in each sweep, when sweeps begin up to a fifth of a sweep late."""
    made = []
    for sweep in range(sweeps):
        now_s = (sweep + 0.2 * jitter[sweep % len(jitter)]) * rota.cadence.sweep_s
        made.append(rota.visit(now_s))
        if made[-1] != "status_poll":
            rota.was_read(now_s)
    return made


@given(CADENCES, st.integers(0, 40), st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_one_reading_an_interval_and_slow_points_in_one_of_so_many(
    cadence: Cadence, position: int, jitter: list[float]
) -> None:
    assert (
        cadence.sweep_s
        <= max(cadence.status_s, cadence.interval_s if cadence.sweeps == 1 else 0.0) + 1e-9
    )
    made = visits(Rota(position, cadence), 40 * cadence.sweeps, jitter)
    assert made[0] == "read_all"
    readings = [sweep for sweep, visit in enumerate(made) if visit != "status_poll"]
    assert {after - before for before, after in pairwise(readings[1:])} == {cadence.sweeps}
    whole = [number for number, sweep in enumerate(readings) if made[sweep] == "read_all"]
    assert {after - before for before, after in pairwise(whole[1:])} == {cadence.slow_every}


def test_the_units_of_a_line_are_spread_over_the_sweeps() -> None:
    cadence = Cadence(30.0, 10.0)
    made = [visits(Rota(position, cadence), 9, [0.0]) for position in range(30)]
    for sweep in range(1, 9):
        assert Counter(each[sweep] for each in made) == {"status_poll": 20, "read_all": 10}


def test_a_reading_that_did_not_come_is_due_in_every_sweep_until_it_does() -> None:
    rota = Rota(0, Cadence(30.0, 10.0))
    rota.was_read(0.0)
    assert [rota.visit(now_s) for now_s in (10.0, 20.0, 30.0, 40.0, 300.0)] == [
        "status_poll",
        "status_poll",
        *["read_all"] * 3,
    ]
    rota.was_read(300.0)
    assert [rota.visit(now_s) for now_s in (310.0, 320.0, 330.0)] == [
        "status_poll",
        "status_poll",
        "read_all",
    ]
