"""Alerts and tickets against the truth: each kind of mistake is found."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.simulators.verify.runs import Case, at, faulty, findings, gateway_dies, healthy, only


def test_a_faultless_run_is_clean() -> None:
    result = healthy().run()
    assert result.clean
    assert findings(result) == only()
    assert (result.reads, result.stored, result.interrupted, result.expected) == (48, 48, 0, {})


def test_a_fault_wants_one_alert_and_one_ticket() -> None:
    case = faulty()
    case.alert("fault", "d0", at(4), "high_pressure:P1")
    result = case.run()
    assert findings(result) == only()
    assert result.expected == {"fault": 1}


def spoil_alert(case: Case) -> None:
    case.alerts.clear()
    case.tickets.clear()


def spoil_ticket(case: Case) -> None:
    case.tickets.clear()


def second_ticket(case: Case) -> None:
    case.ticket("alert-0")


def other_code(case: Case) -> None:
    case.alerts[0]["code"] = "fan:H6"


def second_alert(case: Case) -> None:
    case.alert("fault", "d0", at(9), "high_pressure:P1")


def unfounded_alert(case: Case) -> None:
    case.alert("low_room_temperature", "d0", at(9))


def unknown_rule(case: Case) -> None:
    case.alert("unheard_of", "d0", at(9))


def bare_ticket(case: Case) -> None:
    case.ticket()


def too_early(case: Case) -> None:
    case.alerts[0]["onset"] = at(1)


@pytest.mark.parametrize(
    ("spoil", "missed", "false"),
    [
        (spoil_alert, 1, 0),
        (spoil_ticket, 1, 0),
        (second_ticket, 1, 0),
        (other_code, 1, 1),
        (second_alert, 0, 1),
        (unfounded_alert, 0, 1),
        (unknown_rule, 0, 1),
        (bare_ticket, 0, 1),
        (too_early, 1, 1),
    ],
)
def test_missed_and_false_alerts_and_tickets(
    spoil: Callable[[Case], None], missed: int, false: int
) -> None:
    case = faulty()
    case.alert("fault", "d0", at(4), "high_pressure:P1")
    spoil(case)
    assert findings(case.run()) == only(missed=missed, false=false)


def test_a_village_outage_needs_a_gateway_that_is_down_and_stands_for_it() -> None:
    case = healthy()
    case.alert("village_outage", "matao", at(9))
    assert findings(case.run()) == only(false=1)
    case = gateway_dies(None)
    case.alert("village_outage", "matao", at(8))
    assert findings(case.run(40)) == only()


def test_a_past_episode_needs_no_ticket() -> None:
    case = faulty(4, 6)
    case.alert("fault", "d0", at(4), "high_pressure:P1", ticketed=False)
    assert findings(case.run()) == only(missed=1)
    case.alerts[0] |= {"cleared_at": at(7), "raised_at": at(20)}
    assert findings(case.run()) == only()


def cause(kind: str, device: str, begin: int, end: int | None = None) -> dict[str, Any]:
    times = {"onset": at(begin), "end": None if end is None else at(end)}
    return {"type": "truth", "class": kind, "device": device, "at": at(begin), **times}


def test_a_cause_is_found_by_its_own_alert_and_explains_what_else_it_does() -> None:
    case = healthy()
    case.truth.append(cause("heater_stuck", "d0", 2) | {"onset": at(0) - 2 * 86_400_000})
    case.alert("aux_heater_stuck", "d0", at(4))
    case.alert("low_cop", "d0", at(5))
    case.alert("low_cop", "d1", at(5))
    result = case.run()
    assert findings(result) == only(false=1)
    assert result.details[0].subject == "d1"
    assert result.classes["heater_stuck"].to_document()["recall"] == 1.0
    assert result.classes["leak"].false == 1  # the class that low_cop stands for


def test_a_unit_that_stands_explains_that_its_room_cools() -> None:
    case = faulty()
    case.truth.append(cause("high_pressure", "d0", 4))
    case.alert("fault", "d0", at(4), "high_pressure:P1")
    case.alert("room_cooling_fast", "d0", at(9), ticketed=False)
    result = case.run()
    assert findings(result) == only()
    case.alert("fault", "d0", at(9), "high_pressure:P1")
    assert findings(case.run()) == only(false=1)  # a second time
    figures = result.to_document()["classes"]["high_pressure"]
    assert (figures["injected"], figures["detected"], figures["false"]) == (1, 1, 0)
    assert figures["delay_median_s"] == 0.5


def test_figures_of_each_class_count_what_is_missed_and_false() -> None:
    case = faulty()
    case.alert("fault", "d0", at(4), "fan:45")
    classes = case.run().to_document()["classes"]
    assert (classes["high_pressure"]["injected"], classes["high_pressure"]["detected"]) == (1, 0)
    assert classes["fan"] == dict(classes["fan"], injected=0, false=1, precision=0.0)
    assert "high_pressure: 0 of 1 found" in case.run().to_text()
