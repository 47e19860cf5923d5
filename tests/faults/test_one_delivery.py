"""One delivery, whatever it holds, is counted, named and set aside; the rest goes on."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, Phase
from hypothesis import given as examples
from hypothesis import settings as limits
from hypothesis import strategies as st

from alerts.core.model import GatewayBirth, Round
from alerts.service import AlertService
from alerts.store.write_round import Written
from tests.alerts.rig import DEVICES, PLACE, Gateway, Running, Tables, settings
from tests.any_message import EXAMPLES, Message, any_message
from tests.servers import Server, wait_until
from wire.topics import GatewayPath

DEVICE, OTHER = DEVICES
FAULT = "high_pressure:P1"
STRANGER = GatewayPath("mentougou", "zhaitang", "matao", "mt-09")


def birth(**changed: object) -> bytes:
    """A birth message with some fields of another content; `bus` and the like in its device."""
    device = {"device": "mtg-mt-0900", "profile": "phnix", "bus": "line", "address": 1}
    document = {"v": 1, "online": True, "at": 1, "epoch": "e", "software": "s", "interval_s": 30}
    inside = {name: changed.pop(name) for name in tuple(changed) if name in device}
    return json.dumps({**document, **changed, "devices": [{**device, **inside}]}).encode()


BIRTHS = {
    "interval": birth(interval_s=1e300),
    "software": birth(software="a\0b"),
    "epoch": birth(epoch="a\0b"),
    "profile": birth(profile="a\0b"),
    "bus": birth(bus="a\0b"),
    "address": birth(address=2**62),
    "long": birth(software="x" * 200_000),
    "twice": birth().replace(
        b'"devices": [',
        b'"devices": [{"device":"mtg-mt-0900","profile":"phnix","bus":"line","address":2},',
    ),
}


@pytest.mark.fault("11.B1")
def test_no_retained_birth_ends_alerting(
    given: dict[str, Any], broker: Server, fault_record: dict[str, float]
) -> None:
    gateway = Gateway(broker.url)
    for name, payload in BIRTHS.items():
        stranger = Gateway(broker.url, replace(STRANGER, gateway=f"mt-{name}"))
        stranger.send("status", payload, retain=True)
        stranger.close()
    tables = Tables(given["tickets"].url)
    running = Running(**given).ready()
    gateway.birth(*DEVICES)
    gateway.read(DEVICE, FAULT)
    wait_until(lambda: tables.alerts(subject=DEVICE), 10, "the district is watched")
    running.stop()
    gateway.close()
    assert [row.id for row in tables.gateways()] == [PLACE.gateway]
    fault_record["trials"] += len(BIRTHS)


class Trusting(AlertService):
    """A service that a birth out of bounds has reached after all."""

    def write(self, changes: Round) -> Written:
        for status in changes.statuses:
            if isinstance(status, GatewayBirth) and status.gateway == STRANGER:
                status.status.interval_s = 1e300
        return super().write(changes)


@pytest.mark.fault("11.B1")
def test_a_change_that_the_database_refuses_costs_only_itself(
    given: dict[str, Any], broker: Server, fault_record: dict[str, float]
) -> None:
    stranger, gateway = Gateway(broker.url, STRANGER), Gateway(broker.url)
    tables = Tables(given["tickets"].url)
    with structlog.testing.capture_logs() as logged:
        running = Running(Trusting, **given).ready()
        for _ in range(3):
            stranger.birth("mtg-mt-0900")
            gateway.birth(*DEVICES)
            gateway.read(DEVICE, FAULT)
        wait_until(lambda: tables.alerts(subject=DEVICE), 5, "the district is watched")
        wait_until(lambda: len(tables.gateways()) == 1)
        running.stop()
    named = [entry for entry in logged if entry["event"] == "input_set_aside"]
    assert [(entry["step"], "mt-09" in entry["what"]) for entry in named] == [("write", True)]
    stranger.close()
    gateway.close()
    fault_record["trials"] += 3


@pytest.mark.fault("11.B1")
def test_messages_of_any_content_end_no_alert_service(
    given: dict[str, Any], broker: Server, fault_record: dict[str, float]
) -> None:
    stranger, gateway = Gateway(broker.url, STRANGER), Gateway(broker.url)
    tables = Tables(given["tickets"].url)
    running = Running(**given).ready()
    gateway.birth(*DEVICES)

    # A failure here takes seconds, so the smallest example is not searched for.
    @limits(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @examples(st.lists(any_message, min_size=10, max_size=40))
    def others_are_answered(messages: list[Message]) -> None:
        fault_record["trials"] += len(messages)
        for kind, payload in messages:
            stranger.send(kind, payload)
        watched = f"mtg-mt-{fault_record['trials']}"
        gateway.read(watched, FAULT)
        wait_until(lambda: tables.alerts(subject=watched), 10, f"alert of {watched}")

    others_are_answered()
    running.stop()
    stranger.close()
    gateway.close()


@pytest.mark.fault("11.B1")
@pytest.mark.parametrize("step", ["tick", "send", "compare_feed", "evaluate_late", "save_state"])
def test_a_step_that_fails_for_a_while_ends_no_alert_service(
    step: str,
    tmp_path: Path,
    broker: Server,
    fault_record: dict[str, float],
) -> None:
    given = settings(tmp_path, broker.url)
    failing: list[str] = [step]

    class Failing(AlertService):
        def _attempt(self, step: str, action: Callable[[], None]) -> None:
            def fail() -> None:
                if step in failing:
                    raise ArithmeticError(step)
                action()

            super()._attempt(step, fail)

    gateway, tables = Gateway(broker.url), Tables(given["tickets"].url)
    running = Running(Failing, **given)
    named = f"{step}: fails; see input_set_aside in the log"
    wait_until(lambda: running.service.readiness() == [named], 15, "named")
    gateway.birth(*DEVICES)
    gateway.read(DEVICE, FAULT)
    failing.clear()
    wait_until(lambda: tables.alerts(subject=DEVICE), 10, "the rules go on")
    running.ready()
    running.stop()
    gateway.close()
    fault_record["trials"] += 1
