"""What each fault test measures, as one JSON line in the file that HEARTHWATCH_FAULTS names."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

FaultRecord = dict[str, float]


@pytest.fixture
def fault_record(request: pytest.FixtureRequest) -> Iterator[FaultRecord]:
    """The figures of one fault: trials, and what was lost, doubled, missed, false or unseen."""
    record: FaultRecord = {
        "trials": 0,
        "lost": 0,
        "doubled": 0,
        "missed": 0,
        "false": 0,
        "blind_s": 0.0,
    }
    yield record
    marker = request.node.get_closest_marker("fault")
    if marker is not None and (file := os.environ.get("HEARTHWATCH_FAULTS")):
        line = {"fault": marker.args[0], "test": request.node.name, **record}
        with Path(file).open("a") as lines:
            lines.write(json.dumps(line) + "\n")
