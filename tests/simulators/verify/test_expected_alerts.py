"""The alerts that a run demands, and when they are due."""

from dataclasses import replace

import pytest

from simulators.verify import Verification
from tests.simulators.verify.runs import LIMITS, Case, at, faulty, findings, gateway_dies, only


def test_an_alert_is_not_due_at_once() -> None:
    assert findings(faulty(first=22).run()) == only()
    assert findings(faulty(first=20).run()) == only(missed=1)


def test_a_fault_is_over_after_two_clear_readings() -> None:
    case = Case()
    shown = {4, 5, 7, 10, 11, 12}  # one clear reading between 5 and 7, two between 7 and 10
    for number in range(24):
        case.read("d0", number, ("fan:H6",) if number in shown else ())
    case.alert("fault", "d0", at(4), "fan:H6")
    assert findings(case.run()) == only(missed=1)
    case.alert("fault", "d0", at(10), "fan:H6")
    assert findings(case.run()) == only()


def low_room(rooms: list[float]) -> Case:
    case = Case()
    for number, room in enumerate(rooms):
        case.read("d0", number, room_c=room)
    return case


@pytest.mark.parametrize(
    ("rooms", "due"),
    [
        ([18.2, 18.0, 17.9, 17.8, 17.7, *[17.7] * 20], 1),
        ([18.0] * 24, 0),
        ([18.2, 17.9, 18.0, 17.9, 18.0, *[18.1] * 19], 0),
        (
            [17.9] * 5 + [18.2] * 2 + [17.8] * 6 + [18.6] * 11,
            1,
        ),  # the deadband keeps it one episode
    ],
)
def test_a_low_room_is_due_after_its_delay(rooms: list[float], due: int) -> None:
    assert findings(low_room(rooms).run()) == only(missed=due)
    case = low_room(rooms)
    case.alert(
        "low_room_temperature",
        "d0",
        at(next((n for n, room in enumerate(rooms) if room < 18.0), 0)),
    )
    assert findings(case.run()) == only(false=1 - due)


@pytest.mark.parametrize("returns", [None, 25])
def test_a_gateway_that_dies_is_one_alert_that_hides_its_devices(returns: int | None) -> None:
    assert findings(gateway_dies(returns).run(40)) == only(missed=1)
    case = gateway_dies(returns)
    case.alert("gateway_offline", "gw-0", at(8))
    assert findings(case.run(40)) == only()
    case.alert("device_offline", "d0", at(8))
    assert findings(case.run(40)) == only(false=1)


@pytest.mark.parametrize(("last_will", "missed"), [(True, 1), (False, 0)])
def test_a_last_will_that_was_spread_makes_an_alert_due_sooner(
    last_will: bool, missed: int
) -> None:
    silence_s, last_will_s = 100, 5
    limits = replace(LIMITS, gateway_offline_ms=silence_s * 1_000, last_will_ms=last_will_s * 1_000)
    assert findings(gateway_dies(20, last_will).run(40, limits)) == only(missed=missed)


def test_a_short_absence_wants_no_alert_and_forgives_one() -> None:
    case = gateway_dies(9)
    assert findings(case.run(40)) == only()
    case.alert("gateway_offline", "gw-0", at(8))
    assert findings(case.run(40)) == only()


def test_a_silent_device_wants_an_alert() -> None:
    def silent() -> Case:
        case = Case()
        for number in range(40):
            case.read("d1", number)
            if number <= 4 or number >= 30:
                case.read("d0", number)
        case.edge("silent", "begin", 5, device="d0")
        case.edge("silent", "end", 30, device="d0")
        return case

    assert findings(silent().run(40)) == only(missed=1)
    case = silent()
    case.alert("device_offline", "d0", at(11))
    assert findings(case.run(40)) == only()


def test_a_fault_behind_a_dead_gateway_is_due_when_it_is_back() -> None:
    def dies_with_fault(end: int) -> Verification:
        case = Case()
        for number in (*range(5), *range(20, end)):
            case.read("d0", number, ("fan:H6",) if number >= 4 else ())
        case.edge("gateway", "down", 5, gateway="gw-0", devices=["d0"])
        case.edge("gateway", "up", 20, gateway="gw-0", devices=["d0"])
        case.alert("gateway_offline", "gw-0", at(8))
        return case.run(end)

    assert findings(dies_with_fault(24)) == only()
    assert findings(dies_with_fault(40)) == only(missed=1)
