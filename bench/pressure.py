"""What an attack on the HTTP server costs the rules: the time from a fault on the bus to its alert.

`python -m bench [--quick] pressure`. Forty clients ask for all time, ten log in with wrong
passwords, and twenty never end their bodies, on the same cores as everything else.
"""

import json
import queue
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from bench.process import peak_mib
from bench.system import System, system
from bench.table import Row
from messaging.session import Delivery, MqttSession
from messaging.settings import MqttSettings
from wire.topics import GatewayPath
from wire.wall_clock import wall_clock_ms

GATEWAY: Final = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")
STEP_S: Final = 0.4
ALL_TIME: Final[dict[str, str | int]] = {"step": "24h", "from": 0, "to": 9_007_199_254_740_991}
YEAR: Final = {"step": "1h", "district": "mentougou", "point": "supply_c"}


def rows(quick: bool = False) -> list[Row]:
    """Return the delay of alerts without and under pressure, and the server's memory."""
    faults = 40 if quick else 150
    with (
        tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder,
        system(Path(folder)) as running,
    ):
        running.serve()
        feed = Feed(running, 2 * faults)
        quiet = feed.delays(range(faults))
        with pressure(running.console, running.token()) as answers:
            pressed = feed.delays(range(faults, 2 * faults))
        memory = peak_mib(running.pid("alerts"))
        feed.close()
    note = f"{faults} faults, one every {STEP_S:g} s; from the broker to the alert at the broker"
    return [
        *_figures("quiet", quiet, note),
        *_figures("under pressure", pressed, note),
        Row("requests answered meanwhile", answers.total(), "", "", str(dict(answers))),
        Row("peak memory of alerts", memory, "MiB", "", "HTTP, rules and console together"),
    ]


def _figures(name: str, delays: list[int], note: str) -> list[Row]:
    delays.sort()
    late = delays[int(0.99 * (len(delays) - 1))]
    return [
        Row(f"fault to alert, {name}, median", median(delays), "ms", "", note),
        Row(f"fault to alert, {name}, p99", late, "ms", "≤ 1,000", note),
    ]


class Feed:
    """A gateway of many units, and whoever watches its alerts."""

    def __init__(self, running: System, units: int) -> None:
        self._units = [f"u-{number:04d}" for number in range(units)]
        self._seq = 0
        settings = MqttSettings(url=running.broker.url)
        self._session = MqttSession(settings, "bench-gateway", subscriptions=["hw/v1/alert/#"])
        self._session.start()
        self._publish("status", self._birth(), retain=True)
        self._read({})
        self._watch({}, 1)  # a reading is later than the one before

    def close(self) -> None:
        self._session.stop()

    def delays(self, units: range) -> list[int]:
        """Return ms from the fault of each unit to its alert."""
        sent: dict[str, int] = {}
        seen: dict[str, int] = {}
        for number in units:
            unit = self._units[number]
            sent[unit] = wall_clock_ms()
            self._read({unit: ["high_pressure:P1"]})
            self._watch(seen, STEP_S)
        end = time.monotonic() + 30
        while len(seen.keys() & sent.keys()) < len(sent) and time.monotonic() < end:
            self._watch(seen, STEP_S)
        assert sent.keys() <= seen.keys(), f"no alert of {sorted(sent.keys() - seen.keys())}"
        return [seen[unit] - at for unit, at in sent.items()]

    def _watch(self, seen: dict[str, int], for_s: float) -> None:
        end = time.monotonic() + for_s
        while (left := end - time.monotonic()) > 0:
            try:
                event = self._session.events.get(timeout=left)
            except queue.Empty:
                return
            if isinstance(event, Delivery):
                self._session.acknowledge(event)
                alert = json.loads(event.payload or b"{}")
                if alert.get("rule") == "fault":
                    seen.setdefault(alert["subject"], wall_clock_ms())

    def _read(self, faults: dict[str, list[str]]) -> None:
        at = wall_clock_ms()
        self._seq += 1
        readings = [
            {"device": unit, "at": at, "state": "heating", "faults": codes, "bad": [], "values": {}}
            for unit, codes in (faults or {unit: [] for unit in self._units}).items()
        ]
        head = {"v": 1, "epoch": "bench", "seq": self._seq, "sent_at": at, "interval_s": 30}
        self._publish("telemetry", {**head, "readings": readings})

    def _birth(self) -> dict[str, object]:
        units = [
            {"device": unit, "profile": "midea-mthermal", "bus": "tcp://x:1", "address": 1}
            for unit in self._units
        ]
        head = {"v": 1, "online": True, "at": wall_clock_ms(), "epoch": "bench"}
        return {**head, "software": "bench", "interval_s": 30, "devices": units}

    def _publish(self, kind: str, message: dict[str, object], *, retain: bool = False) -> None:
        payload = json.dumps(message).encode()
        self._session.publish(f"hw/v1/{kind}/{GATEWAY}", payload, retain=retain)


@contextmanager
def pressure(console: str, token: str) -> Iterator[Counter[int]]:
    """Attack `console` within the block; yields the answers so far by status, 0 for none."""
    stop, answers = threading.Event(), Counter[int]()
    headers = {"Authorization": f"Bearer {token}"}

    def repeat(ask: Callable[[httpx.Client], httpx.Response]) -> None:
        client = httpx.Client(
            base_url=f"{console}/api/v1", trust_env=False, timeout=60, headers=headers
        )
        with client:
            while not stop.is_set():
                try:
                    answers[ask(client).status_code] += 1
                except httpx.HTTPError:
                    answers[0] += 1

    def ask_all_time(client: httpx.Client) -> httpx.Response:
        answers[client.get("/devices/u-0001/readings", params=ALL_TIME).status_code] += 1
        return client.get("/fleet/readings", params=YEAR)

    def guess(client: httpx.Client) -> httpx.Response:
        return client.post("/login", json={"name": "nobody", "password": "guess"})

    slow = [_slow_body(console) for _ in range(20)]
    threads = [
        threading.Thread(target=repeat, args=(ask,)) for ask in [ask_all_time] * 40 + [guess] * 10
    ]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for connection in slow:
            connection.close()


def _slow_body(console: str) -> socket.socket:
    host, _, port = console.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)))
    head = "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: 60000\r\n\r\n{{".encode())
    return connection
