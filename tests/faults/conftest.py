"""What each fault did, for the table of `make faults`, and the alert service it was tried on."""

import json
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from desk.settings import TicketsSettings
from tests.alerts.rig import settings
from tests.servers import NatsBroker, Server

FaultRecord = dict[str, float]
"""Trials made, readings lost and doubled, alerts missed and false, seconds without sight."""

_RECORD = pytest.StashKey[FaultRecord]()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Server]:
    server = NatsBroker(tmp_path / "broker")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def given(tmp_path: Path, broker: Server, tickets_url: str) -> dict[str, Any]:
    """The settings of an alert service, on each of the two databases in turn."""
    return settings(tmp_path, broker.url) | {"tickets": TicketsSettings(url=tickets_url)}


@pytest.fixture
def fault_record(request: pytest.FixtureRequest) -> FaultRecord:
    """The figures of a test, which it fills in as it measures them."""
    record: FaultRecord = {
        "trials": 0,
        "lost": 0,
        "doubled": 0,
        "missed": 0,
        "false": 0,
        "blind_s": 0.0,
    }
    request.node.stash[_RECORD] = record
    return record


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write one JSON line for each test marked `fault` to the file named by HEARTHWATCH_FAULTS."""
    report = yield
    marker = item.get_closest_marker("fault")
    file = os.environ.get("HEARTHWATCH_FAULTS")
    if file and marker and report.when == "call":
        line = {
            "fault": marker.args[0],
            "test": item.name,
            "outcome": report.outcome,
            "seconds": report.duration,
            **item.stash.get(_RECORD, {}),
        }
        with Path(file).open("a") as lines:
            lines.write(json.dumps(line) + "\n")
    return report
