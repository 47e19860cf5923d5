"""Dead units: rarely asked, never forgotten, never in the way of live ones."""

from hypothesis import given
from hypothesis import strategies as st

from gateway_agent.polling.quarantine import (
    MAX_BACKOFF_S,
    PROBE_SHARE,
    Health,
    choose_polls,
    release_all,
)

INTERVAL_S = 30.0


@given(live=st.integers(1, 20), dead=st.integers(0, 20), sweeps=st.integers(40, 80))
def test_live_units_are_in_every_sweep_and_dead_ones_stay_within_their_share(
    live: int, dead: int, sweeps: int
) -> None:
    units = {
        f"{kind}-{n}": Health()
        for kind, count in (("live", live), ("dead", dead))
        for n in range(count)
    }
    probe_s = dict.fromkeys(units, 1.0)
    asked_at: dict[str, float] = {}
    for sweep in range(sweeps):
        now = sweep * INTERVAL_S
        chosen = choose_polls(units, probe_s, now, INTERVAL_S)
        assert {name for name in units if name.startswith("live")} <= set(chosen)
        probes = [name for name in chosen if units[name].quarantined]
        assert len(probes) <= max(1, PROBE_SHARE * INTERVAL_S)
        for name in chosen:
            asked_at[name] = now
            if name.startswith("dead"):
                units[name].missed(now, INTERVAL_S)
    longest = MAX_BACKOFF_S + (dead + 4) * INTERVAL_S
    assert all(sweeps * INTERVAL_S - asked_at[name] <= longest for name in units)


@given(
    live=st.integers(1, 20),
    dead=st.integers(1, 20),
    interval_s=st.floats(1.0, 60.0),
    probe_s=st.floats(0.1, 5.0),
)
def test_however_short_the_interval_the_dead_take_their_share_of_the_time(
    live: int, dead: int, interval_s: float, probe_s: float
) -> None:
    units = {
        f"{kind}-{n}": Health()
        for kind, count in (("live", live), ("dead", dead))
        for n in range(count)
    }
    probes_s = dict.fromkeys(units, probe_s)
    spent_s = 0.0
    for sweep in range(400):
        now = sweep * interval_s
        chosen = [
            name
            for name in choose_polls(units, probes_s, now, interval_s)
            if name.startswith("dead")
        ]
        spent_s += probe_s * sum(units[name].quarantined for name in chosen)
        for name in chosen:
            units[name].missed(now, interval_s)
    assert spent_s <= PROBE_SHARE * 400 * interval_s + probe_s
    assert min(health.missed_s for health in units.values() if health.misses) > 0


def test_one_miss_is_no_quarantine_and_an_answer_ends_it() -> None:
    health = Health()
    health.missed(0.0, INTERVAL_S)
    assert not health.quarantined
    health.missed(30.0, INTERVAL_S)
    assert health.quarantined
    assert choose_polls({"a": health}, {"a": 1.0}, 31.0, INTERVAL_S) == []
    assert choose_polls({"a": health}, {"a": 1.0}, 60.0, INTERVAL_S) == ["a"]
    health.answered()
    assert choose_polls({"a": health}, {"a": 1.0}, 61.0, INTERVAL_S) == ["a"]


def test_a_line_that_comes_back_is_asked_at_once() -> None:
    units = {name: Health(misses=9, due_s=1e9) for name in "abc"}
    assert choose_polls(units, dict.fromkeys(units, 1.0), 0.0, INTERVAL_S) == []
    release_all(units)
    assert sorted(choose_polls(units, dict.fromkeys(units, 1.0), 0.0, INTERVAL_S)) == [
        "a",
        "b",
        "c",
    ]
