"""The service in a process of its own that kills itself right after the n-th time it has done one
step.

Usage: killed_service.py BROKER_URL STORE_URL FOLDER STEP COUNT; STEP `never` serves until SIGTERM.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hearthwatch.run.ingest_process import run_ingest
from ingest.durable.dead_letter_file import DeadLetterFile
from ingest.durable.receipts import Receipts
from ingest.store.influx.store import InfluxStore
from ingest.store.sqlite.store import SqliteStore
from messaging.session import MqttSession
from messaging.settings import MqttSettings
from tests.ingest.harness import Folder

STEPS: dict[str, list[tuple[type, str]]] = {
    "write": [(SqliteStore, "write_prepared"), (InfluxStore, "write_prepared")],
    "letters": [(DeadLetterFile, "append")],
    "commit": [(Receipts, "commit")],
    "acknowledge": [(MqttSession, "acknowledge")],
    "publish": [(MqttSession, "publish")],
}


def dying(step: Callable[..., Any], count: int) -> Callable[..., Any]:
    done = 0

    def wrapper(*arguments: Any, **named: Any) -> Any:
        nonlocal done
        answer = step(*arguments, **named)
        done += 1
        if done == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return wrapper


def main() -> None:
    broker_url, store_url, folder, step, count = sys.argv[1:]
    for owner, name in STEPS.get(step, []):
        setattr(owner, name, dying(getattr(owner, name), int(count)))
    store, settings = Folder(Path(folder), store_url).settings(batch_readings=5, batch_wait="20ms")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run_ingest(MqttSettings(url=broker_url), store, settings, stop)


if __name__ == "__main__":
    main()
