"""What each fault did, for the table of `make faults`."""

import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest

FaultRecord = dict[str, float]
"""Trials made, readings lost and doubled, alerts missed and false, seconds without sight."""

_RECORD = pytest.StashKey[FaultRecord]()


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
