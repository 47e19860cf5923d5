"""Events of the edge's log: an id, then fields that logfmt can read."""

import logging

import pytest

from configuration.outage_log import OutageLog
from gateway_agent.logs import EventLog, event_line


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "line_up"),
        ({"line": "tcp://10.0.0.1:502", "misses": 3}, "line_up line=tcp://10.0.0.1:502 misses=3"),
        ({"reason": "not there"}, 'line_up reason="not there"'),
        ({"reason": ""}, 'line_up reason=""'),
        ({"reason": 'says "no"\nagain'}, 'line_up reason="says \\"no\\"\\nagain"'),
        ({"set": {"setpoint_c": 42.0}}, "line_up set=\"{'setpoint_c': 42.0}\""),
        ({"village": "马套"}, "line_up village=马套"),
    ],
)
def test_an_event_is_one_line_of_logfmt(fields: dict[str, object], line: str) -> None:
    assert event_line("line_up", fields) == line


def test_an_outage_is_logged_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    outage = OutageLog(EventLog("gateway_agent.test"), "line_down", "line_up", severity="error")
    outage.back(line="a")
    for _ in range(3):
        outage.lost("unplugged", line="a")
    for _ in range(3):
        outage.back(line="a")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "line_down reason=unplugged line=a"),
        ("INFO", "line_up line=a"),
    ]
