"""The whole system as processes: each of its parts is killed outright once, and nothing is lost,
doubled or false."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import FaultRecord
from tests.servers import http_status, wait_until

# Seconds after ready at which a part is killed. The demo itself kills its last gateway at 15 s.
KILLS = {"broker": 22, "ingest": 36, "alerts": 50, "mt-01": 62}
RUN_S = 110


class RunningDemo:
    """A demo in its own process; what it said when it was ready."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.data = folder / "data"
        self.report = folder / "report.json"
        self._errors = (folder / "errors.txt").open("w+b")
        command = [
            sys.executable,
            "-m",
            "hearthwatch",
            "demo",
            "--json",
            "--port",
            "0",
            "--mqtt-port",
            "0",
        ]
        command += ["--data", str(self.data), "--report", str(self.report), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._errors)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.errors()
        self.ready: dict[str, Any] = json.loads(line)

    def errors(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode()

    def pids(self) -> dict[str, int]:
        pids: dict[str, int] = json.loads((self.data / "logs" / "processes.json").read_text())
        return pids

    def kill(self, name: str) -> None:
        """Kill one part and wait until the demo has started it again."""
        before = wait_until(lambda: self.pids().get(name), 30, f"{name} runs")
        assert self.process.poll() is None, "the demo was over before its part could be killed"
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: self.pids().get(name, before) != before, 30, f"{name} started again")

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)
        self._errors.close()


@pytest.mark.fault("reliability §1: every part")
@pytest.mark.timeout(300)
def test_each_part_killed_once_changes_none_of_the_four_zeros(
    tmp_path: Path, fault_record: FaultRecord
) -> None:
    demo = RunningDemo(tmp_path, "--for", f"{RUN_S}s")
    try:
        ready = time.monotonic()
        for name, at in KILLS.items():
            wait_until(lambda at=at: time.monotonic() - ready > at, at + 1)
            demo.kill(name)
        code = demo.process.wait(180)
        report = json.loads(demo.report.read_text())
        fault_record |= {key: report[key] for key in ("lost", "missed", "false")}
        fault_record |= {"trials": len(KILLS), "doubled": report["duplicated"]}
        assert {key: report[key] for key in ("lost", "duplicated", "missed", "false")} == {
            "lost": 0,
            "duplicated": 0,
            "missed": 0,
            "false": 0,
        }, json.dumps(report["details"], indent=1)
        assert code == 0, demo.errors()
        assert report["devices"] == 60
        assert set(report["alerts"]) == {"fault", "low_room_temperature", "gateway_offline"}
    finally:
        demo.end()


@pytest.mark.timeout(180)
def test_ctrl_c_ends_every_process_and_nothing_is_written_elsewhere(tmp_path: Path) -> None:
    demo = RunningDemo(tmp_path, "--units", "6")
    pids = demo.pids()
    assert {"broker", "simulation", "ingest", "alerts", "mt-01", "mt-02"} == set(pids)
    assert http_status(f"{demo.ready['console']}/readyz") == 200
    demo.end()
    assert not [name for name, pid in pids.items() if Path(f"/proc/{pid}").exists()]
    assert {path.name for path in tmp_path.iterdir()} == {"data", "report.json", "errors.txt"}
