"""Verification on hand-made truth: each kind of mistake is found, and a faultless run is clean."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.verify import RecordedReading, Verification, VerificationLimits, verify

T0 = 1_795_302_800_000
STEP = 5_000
LIMITS = VerificationLimits(
    low_room_on_delay_ms=10_000, gateway_offline_ms=15_000, device_offline_ms=30_000
)
HEALTHY = {
    "supply_c": 42.0,
    "return_c": 38.0,
    "room_c": 20.0,
    "outdoor_c": -7.0,
    "compressor_hz": 50.0,
}


def at(number: int) -> int:
    return T0 + number * STEP


@dataclass
class Case:
    """A run in which everything is recorded as it should be, until a test spoils it."""

    truth: list[dict[str, Any]] = field(default_factory=list)
    stored: list[RecordedReading] = field(default_factory=list)
    gaps: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    tickets: list[dict[str, Any]] = field(default_factory=list)

    def read(
        self,
        device: str,
        number: int,
        faults: tuple[str, ...] = (),
        stored: bool = True,
        **values: float,
    ) -> None:
        held = HEALTHY | values
        line = {
            "type": "read",
            "device": device,
            "at": at(number),
            "state": "heating",
            "faults": list(faults),
        }
        self.truth.append(line | {"values": held})
        if stored:
            self.stored.append(
                RecordedReading(device, at(number) - 40, "heating", faults, dict(held))
            )

    def alert(
        self, rule: str, subject: str, onset: int, code: str | None = None, ticketed: bool = True
    ) -> None:
        name = f"alert-{len(self.alerts)}"
        document = {"id": name, "rule": rule, "subject": subject, "code": code, "onset": onset}
        self.alerts.append(
            document | {"raised_at": onset + 500, "cleared_at": None, "state": "active"}
        )
        if ticketed:
            self.ticket(name)

    def ticket(self, *alerts: str) -> None:
        name = f"T-{len(self.tickets)}"
        self.tickets.append(
            {"id": name, "alerts": list(alerts), "source": "telemetry", "opened_at": T0}
        )

    def edge(self, kind: str, edge: str, number: int, **names: Any) -> None:
        self.truth.append({"type": kind, "edge": edge, "at": at(number), **names})

    def run(self, end: int = 24, limits: VerificationLimits = LIMITS) -> Verification:
        truth = [
            {"type": "start", "at": T0, "seed": 1},
            *sorted(self.truth, key=lambda line: line["at"]),
        ]
        truth.append({"type": "stop", "at": at(end)})
        return verify(truth, self.stored, self.gaps, self.alerts, self.tickets, limits)


def healthy(devices: int = 2, end: int = 24) -> Case:
    case = Case()
    for number in range(end):
        for device in range(devices):
            case.read(f"d{device}", number)
    return case


def faulty(first: int = 4, last: int = 24, code: str = "high_pressure:P1") -> Case:
    case = Case()
    for number in range(24):
        case.read("d0", number, (code,) if first <= number < last else ())
    return case


def findings(result: Verification) -> dict[str, int]:
    document = result.to_document()
    return {
        name: document[name] for name in ("lost", "duplicated", "missed", "false", "wrong_values")
    }


def only(**expected: int) -> dict[str, int]:
    return dict.fromkeys(("lost", "duplicated", "missed", "false", "wrong_values"), 0) | expected


def test_a_faultless_run_is_clean() -> None:
    result = healthy().run()
    assert result.clean
    assert findings(result) == only()
    assert (result.reads, result.stored, result.interrupted, result.expected) == (48, 48, 0, {})


def test_a_read_that_was_not_stored_is_lost() -> None:
    case = healthy()
    del case.stored[20]
    result = case.run()
    assert findings(result) == only(lost=1)
    assert (result.details[0].subject, result.details[0].at) == ("d0", at(10))
    assert not result.clean
    assert "lost: d0" in result.to_text()


def test_message_numbers_that_never_came_are_lost() -> None:
    case = healthy()
    case.gaps = {("gw", "6f1c9a2e"): [7, 8]}
    assert findings(case.run()) == only(lost=2)


def test_a_stored_reading_without_a_read_is_duplicated() -> None:
    case = healthy()
    case.stored.append(RecordedReading("d1", at(10) + 900, "heating", (), HEALTHY))
    case.stored.append(RecordedReading("ghost", at(3), "heating", (), HEALTHY))
    assert findings(case.run()) == only(duplicated=2)


def test_requests_of_one_poll_are_one_read() -> None:
    case = healthy(devices=1)
    case.truth += [line | {"at": line["at"] + 400} for line in case.truth]
    assert findings(case.run()) == only()


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"supply_c": 42.1}, 0),
        ({"supply_c": 42.3}, 1),
        ({"room_c": None}, 1),
        ({"outdoor_c": 7.0}, 1),
        ({"compressor_hz": 5.0}, 1),
        ({"compressor_hz": None}, 0),
    ],
)
def test_values_must_be_what_the_registers_held(
    values: dict[str, float | None], wrong: int
) -> None:
    case = healthy(devices=1)
    old = case.stored[5]
    case.stored[5] = RecordedReading(
        old.device, old.at, old.state, old.faults, {**old.values, **values}
    )
    assert findings(case.run()) == only(wrong_values=wrong)


def test_state_and_faults_must_be_what_the_registers_held() -> None:
    case = healthy(devices=1)
    for index, state, faults in ((5, "standby", ()), (9, "heating", ("fan:H6",))):
        case.stored[index] = RecordedReading("d0", case.stored[index].at, state, faults, HEALTHY)
    assert findings(case.run()) == only(wrong_values=2)


@pytest.mark.parametrize(("stored", "wrong"), [("heating", 0), ("defrost", 0), ("standby", 1)])
def test_a_unit_that_shows_no_defrost_may_be_heating_or_defrosting(stored: str, wrong: int) -> None:
    case = healthy(devices=1)
    case.truth = [
        line | ({"state": "defrost", "state_told": False} if line["type"] == "read" else {})
        for line in case.truth
    ]
    case.stored = [
        RecordedReading(row.device, row.at, "defrost", (), row.values) for row in case.stored
    ]
    case.stored[5] = RecordedReading("d0", case.stored[5].at, stored, (), HEALTHY)
    assert case.run().count("wrong_value") == wrong


def test_the_last_read_before_a_silence_may_be_interrupted_but_no_other() -> None:
    case = Case()
    for number in (*range(8), *range(16, 24)):
        case.read("d0", number, stored=number not in (6, 7))
    result = case.run()
    assert findings(result) == only(lost=1)
    assert result.details[0].at == at(6)
    assert result.interrupted == 1


def test_what_is_under_way_at_the_end_is_not_lost() -> None:
    case = healthy(devices=1)
    del case.stored[-1]
    result = case.run()
    assert findings(result) == only()
    assert result.interrupted == 1


def test_a_doubtful_read_may_be_stored_or_not() -> None:
    case = healthy(devices=1)
    for number in (5, 9):
        case.truth[number]["doubtful"] = True
    del case.stored[9]
    assert findings(case.run()) == only()


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


def gateway_dies(returns: int | None, last_will: bool = False) -> Case:
    case = Case()
    for number in range(40):
        if number <= 4 or (returns is not None and number >= returns):
            case.read("d0", number)
        case.read("d1", number)
    case.edge("gateway", "down", 5, gateway="gw-0", devices=["d0"], last_will=last_will)
    if returns is not None:
        case.edge("gateway", "up", returns, gateway="gw-0", devices=["d0"])
    return case


@pytest.mark.parametrize("returns", [None, 25])
def test_a_gateway_that_dies_is_one_alert_that_hides_its_devices(returns: int | None) -> None:
    assert findings(gateway_dies(returns).run(40)) == only(missed=1)
    case = gateway_dies(returns)
    case.alert("gateway_offline", "gw-0", at(8))
    assert findings(case.run(40)) == only()
    case.alert("device_offline", "d0", at(8))
    assert findings(case.run(40)) == only(false=1)


@pytest.mark.parametrize(("lost_number", "lost"), [(None, 0), (9, 1)])
def test_a_status_poll_between_two_readings_is_no_loss(lost_number: int | None, lost: int) -> None:
    case = Case()
    for number in range(24):
        look = number % 2 == 0
        case.read("d0", number, stored=not look and number != lost_number)
    assert (case.run().lost > 0) == bool(lost)


# A second before the read or less: the unit still answered a gateway that had just died.
@pytest.mark.parametrize(
    ("dead_ms", "lost"), [(None, 1), (0, 0), (-300, 0), (-1_500, 1), (4_000, 0), (20_000, 1)]
)
def test_a_read_at_the_moment_of_a_gateways_death_may_never_have_been_journalled(
    dead_ms: int | None, lost: int
) -> None:
    case = Case()
    for number in range(24):
        case.read("d0", number, stored=number != 10)
    if dead_ms is not None:
        line = {"type": "gateway", "edge": "killed", "gateway": "gw-0", "devices": ["d0"]}
        case.truth.append(line | {"at": at(10) + dead_ms})
    assert findings(case.run()) == only(lost=lost)


def test_a_stored_reading_belongs_to_the_nearest_read() -> None:
    case = Case()
    for number in range(24):
        case.read("d0", number, stored=number != 10)
    case.edge("gateway", "killed", 10, gateway="gw-0", devices=["d0"])
    soon_after = at(10) + 1_800
    line = {"type": "read", "device": "d0", "at": soon_after, "state": "heating", "faults": []}
    case.truth.append(line | {"values": HEALTHY | {"supply_c": 30.0}})
    case.stored.append(
        RecordedReading("d0", soon_after + 120, "heating", (), HEALTHY | {"supply_c": 30.0})
    )
    assert findings(case.run()) == only()


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


# With more than a quarter lost, what is left looks like a unit that is looked at between readings;
# then it is the missing message numbers that tell.
@given(
    drop=st.sets(st.integers(1, 21), max_size=6),
    double=st.sets(st.integers(0, 22)),
    shift=st.integers(-1_500, 1_500),
)
def test_every_loss_and_every_double_is_counted(
    drop: set[int], double: set[int], shift: int
) -> None:
    case = healthy(devices=1)
    rows = [
        RecordedReading("d0", row.at + shift, row.state, row.faults, row.values)
        for row in case.stored
    ]
    extra = [
        RecordedReading("d0", rows[n].at + STEP // 2, "heating", (), HEALTHY)
        for n in sorted(double)
    ]
    case.stored = [row for n, row in enumerate(rows) if n not in drop]
    case.stored += [row for row in extra if all(abs(row.at - at(n)) > 2_000 for n in range(24))]
    result = case.run()
    assert result.lost == len(drop)
    assert result.duplicated == len(case.stored) - (24 - len(drop))


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
