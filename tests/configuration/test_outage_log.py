"""An outage is logged once, and its end once."""

import structlog

from configuration.outage_log import OutageLog


def test_an_outage_and_its_end_are_logged_once() -> None:
    with structlog.testing.capture_logs() as logged:
        outage = OutageLog(structlog.get_logger(), "store_lost", "store_back")
        outage.back()
        outage.lost("away", waiting=3)
        assert outage.is_lost
        outage.lost("still away")
        outage.back(attempts=2)
        outage.back()
        assert not outage.is_lost
        outage.lost("away")
    assert logged == [
        {"event": "store_lost", "reason": "away", "waiting": 3, "log_level": "warning"},
        {"event": "store_back", "attempts": 2, "log_level": "info"},
        {"event": "store_lost", "reason": "away", "log_level": "warning"},
    ]


def test_each_reason_of_a_refusal_is_logged_once() -> None:
    with structlog.testing.capture_logs() as logged:
        refusal = OutageLog(
            structlog.get_logger(), "broker_refused", severity="error", each_reason=True
        )
        for reason in ("password", "password", "rights"):
            refusal.lost(reason)
        refusal.back()
        refusal.lost("rights")
    assert [(entry["event"], entry["reason"], entry["log_level"]) for entry in logged] == [
        ("broker_refused", "password", "error"),
        ("broker_refused", "rights", "error"),
        ("broker_refused", "rights", "error"),
    ]
