import numpy as np
import pytest

from simulators.physics.machine.protection import (
    BIT,
    LOCKOUT,
    RESTART_S,
    Protection,
    kinds,
    step,
    untripped,
)
from wire.points import FAULT_KINDS

HIGH = np.array([BIT["high_pressure"]])
NONE = np.zeros(1, np.uint16)
NO, YES = np.zeros(1, bool), np.ones(1, bool)


def after(
    now: Protection, cause: np.ndarray, seconds: float, repaired: np.ndarray = NO
) -> Protection:
    return step(now, cause, repaired, seconds)


def test_every_kind_has_its_own_bit() -> None:
    assert set(BIT) == FAULT_KINDS
    assert len({int(bit) for bit in BIT.values()}) == len(FAULT_KINDS)
    assert kinds(int(BIT["phase"] | BIT["lockout"])) == ("phase", "lockout")
    assert kinds(0) == ()


def test_a_trip_is_shown_until_its_cause_has_gone_and_the_delay_has_passed() -> None:
    tripped = after(untripped(1), HIGH, 10.0)
    assert kinds(int(tripped.shown[0])) == ("high_pressure",)
    assert tripped.stopped[0]
    held = after(tripped, NONE, RESTART_S / 2)
    assert held.stopped[0]
    assert not after(held, NONE, RESTART_S / 2).stopped[0]
    assert after(held, HIGH, 2 * RESTART_S).stopped[0]


def test_the_third_trip_within_an_hour_locks_out_until_repaired() -> None:
    now = untripped(1)
    for number in range(3):
        assert not now.stopped[0], number
        now = after(now, HIGH, 60.0)
        now = after(now, NONE, RESTART_S)
    assert kinds(int(now.shown[0])) == ("high_pressure", "lockout")
    much_later = after(now, NONE, 7 * 86_400.0)
    assert much_later.shown[0] & LOCKOUT
    assert not after(much_later, NONE, 60.0, repaired=YES).stopped[0]


def test_three_trips_in_more_than_an_hour_do_not_lock() -> None:
    now = untripped(1)
    for _ in range(6):
        now = after(now, HIGH, 60.0)
        assert not now.shown[0] & LOCKOUT
        now = after(now, NONE, 1_900.0)


def test_a_cause_that_stays_is_one_trip() -> None:
    now = untripped(1)
    for _ in range(200):
        now = after(now, HIGH, 60.0)
    assert kinds(int(now.shown[0])) == ("high_pressure",)


@pytest.mark.parametrize("units", [0, 3])
def test_nobody_tripped_is_nobody_stopped(units: int) -> None:
    assert not step(
        untripped(units), np.zeros(units, np.uint16), np.zeros(units, bool), 60.0
    ).stopped.any()
