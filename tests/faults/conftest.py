"""The figures of a fault test, one JSON line each in the file that HEARTHWATCH_FAULTS names."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def fault_record(request: pytest.FixtureRequest) -> Iterator[dict[str, float]]:
    """Trials, readings lost, doubled, missed and false, and blind seconds; the test fills them."""
    record: dict[str, float] = {
        "trials": 0,
        "lost": 0,
        "doubled": 0,
        "missed": 0,
        "false": 0,
        "blind_s": 0.0,
    }
    yield record
    marker = request.node.get_closest_marker("fault")
    if "HEARTHWATCH_FAULTS" in os.environ and marker is not None:
        line = {"fault": marker.args[0], "test": request.node.name, **record}
        with Path(os.environ["HEARTHWATCH_FAULTS"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
