"""The demo as a whole: start the system, let things happen, stop it in order, verify."""

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from configuration.links import refuse_links_below, write_unlinked
from desk.accounts.accounts import add_account
from desk.accounts.tokens import create_token
from desk.database.engine import open_database
from hearthwatch.base.errors import FAILED, FailedError, UsageError
from hearthwatch.base.printing import print_json
from hearthwatch.base.resources import find_scenario
from hearthwatch.demo import files
from hearthwatch.demo.display import DemoDisplay
from hearthwatch.demo.layout import DISTRICT, DemoGateway, plan_layout
from hearthwatch.demo.observe import DemoCounts, answers, console_ready, observe
from hearthwatch.demo.options import DemoOptions
from hearthwatch.demo.ports import free_ports
from hearthwatch.demo.report import demo_report
from hearthwatch.demo.story import GatewayEvent, gateway_events, gateway_truth
from hearthwatch.run.broker import broker_command, broker_configuration
from hearthwatch.run.server_process import metrics_environment, start_services
from hearthwatch.run.server_settings import load_server_settings
from hearthwatch.run.supervisor import Supervisor, hearthwatch_command
from hearthwatch.trials.verification import verify_system
from simulators.live.truth import TruthLog
from wire.wall_clock import wall_clock_ms

_SETUP_WITHIN_S: Final = 150.0
_CHECK_EVERY_S: Final = 0.2
# Gateways try to connect at least every half minute: this long after a restart of the broker, every
# gateway is connected again.
_RECONNECTED_AFTER_S: Final = 35.0
_USER: Final = "demo"


class SetupError(FailedError):
    """A process of the demo did not become ready; the message names its log."""


def run_demo(options: DemoOptions, stop: threading.Event) -> int:
    """Run the demo until its time is over or `stop` is set; returns the exit code."""
    demo = Demo(options, stop)
    started = time.monotonic()
    try:
        ready = demo.set_up()
        demo.introduce()
        if ready:
            demo.run()
    finally:
        demo.tear_down()
    if not ready:
        return FAILED if not stop.is_set() else 0
    return demo.conclude(demo.ready_at - started)


class Demo:
    """The processes and files of one demo; used by the main thread alone."""

    def __init__(self, options: DemoOptions, stop: threading.Event) -> None:
        self._options = options
        self._stop = stop
        self._data = options.data
        self._gateways = plan_layout(options.units)
        _set_aside_earlier_run(self._data)
        self._supervisor = Supervisor(self._data / "logs")
        self._display = DemoDisplay(quiet=options.as_json)
        self._mqtt_url = f"mqtt://127.0.0.1:{options.mqtt_port}"
        self._truth = self._data / "truth.jsonl"
        self._password = os.urandom(6).hex()
        self._token = ""
        self.ready_at = 0.0

    def set_up(self) -> bool:
        """Start every process, and wait until a reading of every heat pump is stored.

        Returns False if the demo was stopped before.
        """
        self._write_files()
        with self._display.progress() as step:
            self._start_broker(step)
            self._start_simulation(step)
            self._start_server(step)
            self._start_gateways(step)
        self.ready_at = time.monotonic()
        return not self._stop.is_set()

    def _write_files(self) -> None:
        ports = free_ports(
            [line.name for gateway in self._gateways for line in gateway.lines if not line.serial]
        )
        (self._data / "lines").mkdir(parents=True, exist_ok=True)
        self._write(
            "broker.conf",
            broker_configuration(self._data / "broker", "127.0.0.1", self._options.mqtt_port),
        )
        self._write("server.toml", files.server_toml(self._mqtt_url, self._options.port))
        simulation = files.simulation_toml(
            self._gateways,
            self._data,
            ports,
            find_scenario("demo"),
            self._options.seed,
            self._options.speed,
            self._options.quirks,
        )
        self._write("simulation.toml", simulation)
        for gateway in self._gateways:
            self._write(
                f"{gateway.name}.toml",
                files.gateway_toml(gateway, self._data, self._mqtt_url, ports),
            )

    def _write(self, name: str, text: str) -> None:
        write_unlinked(self._data / name, text.encode())

    def _start_broker(self, step: Callable[[str, int, int], None]) -> None:
        step("MQTT broker", 0, 1)
        self._supervisor.start("broker", broker_command(self._data / "broker.conf"))
        self._wait("broker", lambda: answers(self._options.mqtt_port))
        step("MQTT broker", 1, 1)

    def _start_simulation(self, step: Callable[[str, int, int], None]) -> None:
        step("simulated houses and heat pumps", 0, 1)
        command = hearthwatch_command(
            "simulate", "bus", "--config", str(self._data / "simulation.toml")
        )
        self._supervisor.start("simulation", command)
        terminals = [
            files.terminal_path(self._data, line)
            for gateway in self._gateways
            for line in gateway.lines
            if line.serial
        ]
        self._wait("simulation", lambda: all(path.exists() for path in terminals))
        step("simulated houses and heat pumps", 1, 1)

    def _start_server(self, step: Callable[[str, int, int], None]) -> None:
        step("store, alerts and console", 0, 1)
        config = self._data / "server.toml"
        database = open_database(load_server_settings(config).tickets.address)
        add_account(database, _USER, self._password, "district", DISTRICT)
        self._token = create_token(database, "district", DISTRICT)
        database.dispose()
        start_services(self._supervisor, config, metrics_environment(self._data / "metrics"))
        self._wait("alerts", lambda: console_ready(self._options.port))
        step("store, alerts and console", 1, 1)

    def _start_gateways(self, step: Callable[[str, int, int], None]) -> None:
        for gateway in self._gateways:
            self._start_gateway(gateway)

        def all_stored() -> bool:
            stored = len(self._observe().devices)
            step("first readings", stored, self._options.units)
            return stored >= self._options.units

        self._wait(self._gateways[0].name, all_stored)

    def _start_gateway(self, gateway: DemoGateway) -> None:
        config = str(self._data / f"{gateway.name}.toml")
        self._supervisor.start(
            gateway.name, hearthwatch_command("gateway", "run", "--config", config)
        )

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _SETUP_WITHIN_S
        while not self._stop.is_set() and not ready():
            if time.monotonic() > deadline:
                raise SetupError(
                    f"not ready after {_SETUP_WITHIN_S:.0f} s; see {self._data / 'logs' / name}.log"
                )
            self._keep_alive()
            self._stop.wait(_CHECK_EVERY_S)

    def introduce(self) -> None:
        """Show where the console is; with --json, print the one line that programs wait for."""
        console = f"http://127.0.0.1:{self._options.port}"
        if self._options.as_json and not self._stop.is_set():
            print_json(
                {
                    "console": console,
                    "mqtt": self._mqtt_url,
                    "data": str(self._data),
                    "token": self._token,
                    "user": _USER,
                    "password": self._password,
                }
            )
        self._display.introduce(console, self._mqtt_url, self._data, _USER, self._password)

    def run(self) -> None:
        """Let things happen to the gateways until the time is over; restart what dies."""
        events = gateway_events(self._gateways)
        with self._display.live() as show:
            while not self._stop.is_set():
                elapsed_ms = (time.monotonic() - self.ready_at) * 1000
                if self._options.run_ms is not None and elapsed_ms >= self._options.run_ms:
                    return
                while events and events[0].after_ms <= elapsed_ms:
                    self._carry_out(events.pop(0))
                self._keep_alive()
                show(self._observe(), elapsed_ms, self._options.run_ms)
                self._stop.wait(_CHECK_EVERY_S)

    def _carry_out(self, event: GatewayEvent) -> None:
        last_will = self._supervisor.undisturbed("broker", _RECONNECTED_AFTER_S)
        if event.edge == "down":
            self._supervisor.kill(event.gateway.name)
        else:
            self._supervisor.revive(event.gateway.name)
        self._write_truth(event.gateway, event.edge, last_will)

    def _keep_alive(self) -> None:
        """Restart the processes that somebody killed; note the killed gateways in the truth."""
        died = self._supervisor.check()
        for gateway in self._gateways:
            if gateway.name in died:
                self._write_truth(gateway, "killed", last_will=False)

    def _write_truth(
        self, gateway: DemoGateway, edge: Literal["down", "up", "killed"], last_will: bool
    ) -> None:
        log = TruthLog(self._truth)
        log.append(gateway_truth(gateway, edge, wall_clock_ms(), last_will))
        log.close()

    def _observe(self) -> DemoCounts:
        return observe(self._data)

    def tear_down(self) -> None:
        """End every process, gateways first, so that their last readings still reach the store."""
        with self._display.stopping():
            self._supervisor.stop(*(gateway.name for gateway in self._gateways))
            for name in ("simulation", "ingest", "alerts", "broker"):
                self._supervisor.stop(name)

    def conclude(self, ready_s: float) -> int:
        """Compare the truth with the stores, write the report, and return the exit code."""
        verification = verify_system(self._truth, load_server_settings(self._data / "server.toml"))
        report = demo_report(ready_s, observe(self._data), verification)
        if self._options.report is not None:
            self._options.report.write_text(
                json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
            )
        self._display.conclude(report, verification)
        return 0 if verification.clean else FAILED


def _set_aside_earlier_run(data: Path) -> None:
    """Move the files of an earlier demo in `data` into a folder of it; delete nothing.

    Raises UsageError if `data` is not writable, and ConfigurationError for links in it. Those in
    `lines` lead to the terminals of simulated converters, and are replaced.
    """
    refuse_links_below(data, spared=("lines", "earlier-*"))
    try:
        data.mkdir(parents=True, exist_ok=True)
        _move_earlier_run(data)
    except OSError as error:
        raise UsageError(
            f"--data {data}: {error.strerror}; pass a folder that may be written"
        ) from error


def _move_earlier_run(data: Path) -> None:
    if not (data / "truth.jsonl").exists():
        return
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime((data / "truth.jsonl").stat().st_mtime))
    earlier = data / f"earlier-{stamp}"
    earlier.mkdir(exist_ok=True)
    for path in data.iterdir():
        if not path.name.startswith("earlier-"):
            path.rename(earlier / path.name)
