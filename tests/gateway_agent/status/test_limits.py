"""What the units refuse, as a page and as text."""

import json

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.limits.learnt import Learnt
from gateway_agent.polling.cadence import Cadence
from gateway_agent.polling.line import PolledLine
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.status.limits import limits_page, limits_text
from tests.gateway_agent.polling.test_unit import MIDEA

ADDRESS = parse_line("tcp://127.0.0.1:502")


def line(learnt: Learnt) -> PolledLine:
    units = [PolledUnit("a", 1, MIDEA, ADDRESS, learnt=learnt), PolledUnit("b", 2, MIDEA, ADDRESS)]
    return PolledLine(Bus(ADDRESS), units, Cadence(30.0, 15.0), lambda _: None, lambda: 0)


def test_each_unit_is_on_the_page_and_only_those_that_refuse_in_the_text() -> None:
    refused = Learnt(frozenset({("holding", 119), ("holding", 109)}), frozenset({("holding", 115)}))
    page = json.loads(limits_page([line(refused)]))
    where = {"bus": "tcp://127.0.0.1:502"}
    assert page["units"] == [
        {
            "device": "a",
            **where,
            "given_up": ["holding 109", "holding 119"],
            "cut_before": ["holding 115"],
        },
        {"device": "b", **where, "given_up": [], "cut_before": []},
    ]
    assert limits_text(page).splitlines() == [
        "live:",
        (
            "  a on tcp://127.0.0.1:502: registers given up: holding 109, holding 119; "
            "blocks cut before holding 115"
        ),
    ]
    assert limits_text(json.loads(limits_page([line(Learnt())]))) == (
        "live: 2 units, none refuses a register"
    )
