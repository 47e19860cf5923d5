"""Reads against stored readings: losses, duplicates and wrong values are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.verify import RecordedReading
from tests.simulators.verify.runs import HEALTHY, STEP, Case, at, findings, healthy, only


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


@pytest.mark.parametrize(("lost_number", "lost"), [(None, 0), (9, 1)])
def test_a_status_poll_between_two_readings_is_no_loss(lost_number: int | None, lost: int) -> None:
    case = Case()
    for number in range(24):
        status_poll = number % 2 == 0
        case.read("d0", number, stored=not status_poll and number != lost_number)
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


# A visit lasts two seconds at most; the adapter was pulled at a request to the same unit, or not.
@pytest.mark.parametrize(
    ("device", "after_ms", "lost"),
    [("d0", 0, 0), ("d0", 300, 0), ("d0", -1, 1), ("d0", 2_500, 1), ("d1", 300, 1)],
)
def test_a_read_that_a_pulled_adapter_cut_off_is_interrupted(
    device: str, after_ms: int, lost: int
) -> None:
    case = Case()
    for number in range(24):
        case.read("d0", number, stored=number != 10)
    case.truth.append({"type": "pulled", "device": device, "at": at(10) + after_ms})
    result = case.run()
    assert findings(result) == only(lost=lost)
    assert result.interrupted == 1 - lost


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


# With more than a quarter lost, the rest resembles a unit with status polls between its readings;
# then only the missing message numbers show the loss.
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
