"""A box that reports faults without end: bounded alerts, one of them about the box itself."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.core.district import District
from alerts.core.event_budget import BURST, PER_MINUTE, EventBudget
from alerts.core.model import BusMessage, Decided
from alerts.core.record import key_of
from rules.transitions.transition import EdgeKind, Transition
from tests.rules.shipped import shipped_rules
from wire.encode import encode_status, encode_telemetry
from wire.location import Location
from wire.messages import AnnouncedDevice, Reading, Status, Telemetry
from wire.topics import GatewayPath, gateway_topic

NOW = 1_763_740_800_000
BOX = GatewayPath("d", "t", "v", "box")
OTHER = GatewayPath("d", "t", "w", "other")
MINUTE = 60_000


def decided(code: str, edge: EdgeKind = "raise", gateway: GatewayPath = BOX) -> Decided:
    texts = {"zh": "", "en": ""}
    transition = Transition(
        *("fault", f"unit-{gateway.gateway}", "device", edge, code, NOW, NOW, None, None, None),
        *("high", "fault", texts),
    )
    return Decided(transition, Location.of(gateway))


class Box:
    """A gateway with one unit, straight into a district."""

    def __init__(self, district: District, path: GatewayPath) -> None:
        self._district, self._path, self._seq = district, path, 0
        self.unit = f"unit-{path.gateway}"
        birth = Status(
            True, NOW, "e", "s", 12.0, [AnnouncedDevice(self.unit, "midea-mthermal", "b", 1)]
        )
        self._send("status", encode_status(birth), NOW)

    def read(self, now: int, *faults: str) -> None:
        self._seq += 1
        reading = Reading(self.unit, now, "heating", list(faults), {"supply_c": 40.0})
        self._send(
            "telemetry", encode_telemetry(Telemetry(1, "e", self._seq, now, 12, [reading])), now
        )

    def _send(self, kind: str, payload: bytes, now: int) -> None:
        self._district.receive(BusMessage(gateway_topic(kind, self._path), payload), now)  # type: ignore[arg-type]


def test_3000_codes_in_ten_minutes_make_few_alerts_and_one_about_the_box() -> None:
    district = District(shipped_rules(), NOW)
    bad, good = Box(district, BOX), Box(district, OTHER)
    raised: Counter[tuple[str, str]] = Counter()
    refused: Counter[str] = Counter()
    for step in range(50):
        now = NOW + (step + 1) * 12_000
        bad.read(now, *(f"other:{step}-{number}" for number in range(60)))
        good.read(now, *(["high_pressure:P1"] if step >= 25 else []))
        for second in range(12):
            district.tick(now + second * 1_000)
            changes = district.take_round(now + second * 1_000)
            refused += changes.rejected
            raised += Counter(
                (each.transition.subject, each.transition.rule)
                for each in changes.decided
                if each.transition.edge == "raise"
            )
    assert BURST <= raised[bad.unit, "fault"] <= BURST + 10 * PER_MINUTE
    assert raised["box", "too_many_events"] == 1
    assert raised[good.unit, "fault"] == 1
    assert refused["too_many_events"] >= 3_000 - BURST - 10 * PER_MINUTE - 60
    quiet = NOW + 600_000
    for minute in range(20):
        bad.read(quiet + minute * MINUTE)
        district.tick(quiet + minute * MINUTE)
        edges = [each.transition for each in district.take_round(quiet).decided]
        if any((each.rule, each.edge) == ("too_many_events", "clear") for each in edges):
            return
    pytest.fail("the alert about the box has to clear")


def test_what_still_holds_is_raised_when_there_is_room_and_what_ended_is_not() -> None:
    budget = EventBudget()
    budget.at(NOW)
    assert sum(budget.admitted(decided(f"c{number}")) for number in range(BURST + 3)) == BURST
    assert not budget.admitted(decided(f"c{BURST}", "clear"))
    assert not budget.admitted(decided(f"c{BURST + 1}", "update"))
    assert budget.due() == []
    budget.at(NOW + MINUTE)
    late = budget.due()
    assert [each.transition.code for each in late] == [f"c{BURST + 1}", f"c{BURST + 2}"]
    assert {each.transition.edge for each in late} == {"raise"}
    assert budget.take_counted() == {"too_many_events": 3}


def test_the_room_of_one_gateway_is_not_that_of_another() -> None:
    budget = EventBudget()
    budget.at(NOW)
    for number in range(2 * BURST):
        budget.admitted(decided(f"c{number}"))
    assert budget.admitted(decided("c", gateway=OTHER))
    assert budget.take_refused() == {BOX: BURST}


events = st.tuples(
    st.integers(0, 20_000), st.integers(0, 400), st.sampled_from(["raise", "update", "clear"])
)


@given(st.lists(events, max_size=400))
def test_never_more_than_the_bound_and_nothing_that_holds_is_forgotten(
    steps: list[tuple[int, int, EdgeKind]],
) -> None:
    budget, now, recorded, holds = EventBudget(), NOW, set(), set()
    raises = 0
    for elapsed, code, edge in steps:
        now += elapsed
        budget.at(now)
        event = decided(str(code), edge)
        key = key_of(event.transition)
        if (edge == "raise") == (key in holds):
            continue
        holds = holds | {key} if edge == "raise" else holds if edge == "update" else holds - {key}
        admitted = [*([event] if budget.admitted(event) else []), *budget.due()]
        for each in admitted:
            raises += each.transition.edge == "raise"
            change = {key_of(each.transition)}
            recorded = recorded - change if each.transition.edge == "clear" else recorded | change
        assert raises <= BURST + (now - NOW) * PER_MINUTE / MINUTE
        assert recorded <= holds
    for _ in range(400):
        now += MINUTE
        budget.at(now)
        recorded |= {key_of(each.transition) for each in budget.due()}
    assert recorded == holds
