"""The cost of a simulated district: 57,000 units behind 1,900 gateways, up to the watermark.

`python -m bench fleet`. Mosquitto, the fleet and ingest into SQLite run as processes of their own.
"""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from bench.table import Row
from hearthwatch.run.supervisor import Supervisor, hearthwatch_command
from tests.servers import MosquittoBroker

UNITS, GATEWAYS, INTERVAL_S = 57_000, 1_900, 30


def rows(quick: bool = False) -> list[Row]:
    """Run for two minutes, or 45 seconds if `quick`; connecting is part of the run."""
    lasts = "45s" if quick else "2m"
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder:
        result = _run(Path(folder), lasts)
    shape = f"{UNITS:,} units, {GATEWAYS:,} gateways, every {INTERVAL_S} s, for {lasts}"
    return [
        Row("simulate fleet, processor", result["cpu_share"], "cores", "≤ 1", shape),
        Row("simulate fleet, memory", result["rss_mb"], "MB", "", shape),
        Row(
            "simulate fleet, readings",
            result["readings_per_s"],
            "1/s",
            "1,900",
            "as made; all of them covered at the end",
        ),
        Row(
            "simulate fleet, not covered",
            result["waiting"] + result["lost"],
            "readings",
            "0",
            "by a watermark at the end",
        ),
    ]


def _run(folder: Path, lasts: str) -> dict[str, Any]:
    broker = MosquittoBroker(folder / "broker")
    broker.start()
    config = folder / "server.toml"
    config.write_text(f'[mqtt]\nurl = "{broker.url}"\n')
    supervisor = Supervisor(folder / "logs")
    supervisor.start("ingest", hearthwatch_command("ingest", "run", "--config", str(config)))
    fleet = [
        "simulate",
        "fleet",
        "--url",
        broker.url,
        "--units",
        str(UNITS),
        "--gateways",
        str(GATEWAYS),
    ]
    try:
        ended = subprocess.run(
            hearthwatch_command(*fleet, "--interval", f"{INTERVAL_S}s", "--for", lasts, "--json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    finally:
        supervisor.stop_all()
        broker.stop()
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer
