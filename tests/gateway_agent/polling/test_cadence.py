"""Looks come often, readings once an interval, slow points rarely; and the load of the turns is
even."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway_agent.polling.cadence import Cadence, Rota, Visit

CADENCES = st.builds(
    Cadence, st.integers(1, 120).map(float), st.integers(1, 60).map(float), st.integers(1, 12)
)


def visits(rota: Rota, turns: int, jitter: list[float]) -> list[Visit]:
    """What is done in each turn, when turns begin up to a fifth of a turn late."""
    made = []
    for turn in range(turns):
        now_s = (turn + 0.2 * jitter[turn % len(jitter)]) * rota.cadence.turn_s
        made.append(rota.visit(now_s))
        if made[-1] != "look":
            rota.was_read(now_s)
    return made


@given(CADENCES, st.integers(0, 40), st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_one_reading_an_interval_and_slow_points_in_one_of_so_many(
    cadence: Cadence, place: int, jitter: list[float]
) -> None:
    assert (
        cadence.turn_s
        <= max(cadence.look_s, cadence.interval_s if cadence.turns == 1 else 0.0) + 1e-9
    )
    made = visits(Rota(place, cadence), 40 * cadence.turns, jitter)
    assert made[0] == "read_all"
    readings = [turn for turn, visit in enumerate(made) if visit != "look"]
    assert {after - before for before, after in pairwise(readings[1:])} == {cadence.turns}
    whole = [number for number, turn in enumerate(readings) if made[turn] == "read_all"]
    assert {after - before for before, after in pairwise(whole[1:])} == {cadence.slow_every}


def test_the_units_of_a_line_are_spread_over_the_turns() -> None:
    cadence = Cadence(30.0, 10.0)
    made = [visits(Rota(place, cadence), 9, [0.0]) for place in range(30)]
    for turn in range(1, 9):
        assert Counter(each[turn] for each in made) == {"look": 20, "read_all": 10}


def test_a_reading_that_did_not_come_is_due_in_every_turn_until_it_does() -> None:
    rota = Rota(0, Cadence(30.0, 10.0))
    rota.was_read(0.0)
    assert [rota.visit(now_s) for now_s in (10.0, 20.0, 30.0, 40.0, 300.0)] == [
        "look",
        "look",
        *["read_all"] * 3,
    ]
    rota.was_read(300.0)
    assert [rota.visit(now_s) for now_s in (310.0, 320.0, 330.0)] == ["look", "look", "read_all"]
