"""The log of a connection: each connection, each loss, and each refusal once."""

import structlog

from messaging.broker_log import BrokerLog
from messaging.session import Connected, ConnectionRefused, Disconnected, Published


def test_a_refusal_is_logged_once_until_the_connection_stands() -> None:
    events = (
        ConnectionRefused("who?"),
        ConnectionRefused("who?"),
        Connected(1),
        Published(7),
        Disconnected("gone"),
        ConnectionRefused("who?"),
    )
    with structlog.testing.capture_logs() as logged:
        log = BrokerLog(structlog.get_logger())
        for event in events:
            log(event)
    assert [(entry["event"], entry.get("reason")) for entry in logged] == [
        ("broker_refused", "who?"),
        ("broker_connected", None),
        ("broker_lost", "gone"),
        ("broker_refused", "who?"),
    ]
