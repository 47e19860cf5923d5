"""A replay in a process of its own that kills itself right before or after the n-th time it has
done one step.

Usage: killed_redelivery.py FOLDER WHEN STEP COUNT; COUNT 0 lives to the end.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingest.durable import dead_letter_file
from ingest.durable.receipts import read_committed_end
from ingest.reception.admission import Admission
from ingest.redelivery import redeliver
from ingest.redelivery.reexamine import TodaysRules
from ingest.store import open_store
from ingest.store.sqlite.store import SqliteStore
from tests.ingest.harness import Folder
from wire.wall_clock import wall_clock_ms

STEPS: dict[str, tuple[Any, str]] = {
    "examine": (redeliver.Redelivery, "_examine"),
    "write": (SqliteStore, "write"),
    "exchange": (redeliver, "exchange"),
    "complete": (dead_letter_file, "_complete"),
    "rename": (Path, "replace"),
    "sync": (dead_letter_file, "_sync_folder"),
}


def dying(step: Callable[..., Any], when: str, count: int) -> Callable[..., Any]:
    calls = 0

    def wrapper(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if when == "before" and calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = step(*arguments, **named)
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return wrapper


def main() -> None:
    path, when, step, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    if count:
        owner, name = STEPS[step]
        setattr(owner, name, dying(getattr(owner, name), when, count))
    redeliver._CHUNK = 10  # type: ignore[misc]
    folder = Folder(path)
    store = open_store(folder.settings()[0])
    today = TodaysRules(Admission({"good": 1}, registered_only=True), {}, wall_clock_ms())
    redeliver.Redelivery(
        folder.dead_letters, lambda: read_committed_end(path / "ingest.db"), store, today
    ).run()
    store.close()


if __name__ == "__main__":
    main()
