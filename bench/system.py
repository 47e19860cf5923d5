"""A small system of real processes: broker, simulated units, one gateway, the server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desk.accounts.accounts import add_account
from desk.accounts.tokens import create_token
from desk.database.engine import open_database
from hearthwatch.run.server_process import metrics_environment, start_services
from hearthwatch.run.server_settings import load_server_settings
from hearthwatch.run.supervisor import Supervisor, hearthwatch_command
from tests.servers import NatsBroker, free_port, http_status, wait_until

USER, PASSWORD = "bench", "only-for-the-benchmark"
VILLAGE = 'district = "mentougou"\ntown = "zhaitang"\nvillage = "matao"\ngateway = "mt-01"\n'


@dataclass(frozen=True, slots=True)
class BenchLine:
    """One line of units: a pseudo-terminal paced like 9600 baud, or Modbus TCP at `port`."""

    units: int
    serial: bool
    name: str
    port: int = 0


class System:
    """Starts what a benchmark asks for in `folder`."""

    def __init__(self, folder: Path, broker: NatsBroker) -> None:
        self.folder, self.broker = folder, broker
        self.supervisor = Supervisor(folder / "logs")
        self.console = f"http://127.0.0.1:{free_port()}"

    def simulate(self, lines: list[BenchLine], events: str = "") -> None:
        """Simulate units at −9 °C with `events` (TOML tables); truth goes to `truth.jsonl`."""
        weather = '[weather]\nkind = "steady"\noutdoor_c = -9.0\n'
        (self.folder / "scenario.toml").write_text(f'name = "bench"\n{weather}{events}')
        text = 'scenario = "scenario.toml"\ntruth = "truth.jsonl"\n' + "".join(
            map(self._line, lines)
        )
        (self.folder / "simulation.toml").write_text(text)
        self._start(
            "simulation", "simulate", "bus", "--config", str(self.folder / "simulation.toml")
        )
        wait_until(lambda: (self.folder / "truth.jsonl").exists(), 30)

    def _line(self, line: BenchLine) -> str:
        where = (
            f'pty = "{line.name}"\nbaud = 9600' if line.serial else f'tcp = "127.0.0.1:{line.port}"'
        )
        units = "".join(
            f'[[line.unit]]\nid = "{line.name}-{address:03d}"\naddress = {address}\n'
            for address in range(1, line.units + 1)
        )
        return f'[[line]]\n{where}\nprofile = "midea-mthermal"\n{units}'

    def run_gateway(self, lines: list[BenchLine], interval: str) -> int:
        """Start the gateway over `lines`; returns its process id."""
        text = f'{VILLAGE}interval = "{interval}"\n[journal]\npath = "journal.db"\n'
        text += f'[mqtt]\nurl = "{self.broker.url}"\n'
        for line in lines:
            url = (
                f"serial://{self.folder / line.name}?baud=9600"
                if line.serial
                else f"tcp://127.0.0.1:{line.port}"
            )
            text += f'[[bus]]\nurl = "{url}"\n'
            for address in range(1, line.units + 1):
                text += f'[[bus.device]]\nid = "{line.name}-{address:03d}"\n'
                text += f'address = {address}\nprofile = "midea-mthermal"\n'
        (self.folder / "gateway.toml").write_text(text)
        self._start("gateway", "gateway", "run", "--config", str(self.folder / "gateway.toml"))
        return self.pid("gateway")

    def serve(self) -> None:
        """Start ingest and alerts, with one account that may see everything."""
        config = self.folder / "server.toml"
        listen = self.console.removeprefix("http://")
        config.write_text(f'[mqtt]\nurl = "{self.broker.url}"\n[http]\nlisten = "{listen}"\n')
        database = open_database(load_server_settings(config).tickets.url)
        add_account(database, USER, PASSWORD, "district", "mentougou")
        database.dispose()
        start_services(self.supervisor, config, metrics_environment(self.folder / "metrics"))
        wait_until(lambda: http_status(f"{self.console}/readyz") == 200, 60)

    def token(self) -> str:
        """Return a token that may see everything."""
        database = open_database(load_server_settings(self.folder / "server.toml").tickets.url)
        token = create_token(database, "district")
        database.dispose()
        return token

    def truth(self) -> list[dict[str, Any]]:
        """Return the lines of truth so far."""
        return [json.loads(line) for line in (self.folder / "truth.jsonl").read_text().splitlines()]

    def _start(self, name: str, *arguments: str) -> None:
        self.supervisor.start(name, hearthwatch_command(*arguments))

    def pid(self, name: str) -> int:
        """Return the process id of a part that was started."""
        process = self.supervisor.children[name].process
        assert process is not None
        return process.pid


@contextmanager
def system(folder: Path) -> Iterator[System]:
    """Yield a system whose processes all end with the block."""
    broker = NatsBroker(folder / "broker")
    broker.start()
    made = System(folder, broker)
    try:
        yield made
    finally:
        made.supervisor.stop_all()
        broker.stop()
