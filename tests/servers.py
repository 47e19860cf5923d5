"""Real servers for tests: each on free ports, with its own data directory, ended by pid."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psycopg

from hearthwatch.run.broker import broker_command, broker_configuration

Answer = TypeVar("Answer")

DEPLOY = Path(__file__).parents[1] / "deploy"


# Below the ports that the kernel gives to outgoing connections (32768 on): one of those could be
# taken by any client before the server that it is meant for listens on it.
_PORTS = range(20_000, 32_000)
_shuffled_ports = iter(random.SystemRandom().sample(_PORTS, len(_PORTS)))


def free_port() -> int:
    """A TCP port on loopback that nothing listens on now, another one each time."""
    return next(port for port in _shuffled_ports if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_until(condition: Callable[[], Answer], deadline_s: float = 15, what: str = "") -> Answer:
    """Poll `condition` until it is truthy and return its answer; fails the test after
    `deadline_s`."""
    end = time.monotonic() + deadline_s
    pause = _Pause()
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(
                f"not within {deadline_s} s: {what or condition}; last answer {answer!r}"
            )
        pause()


class _Pause:
    """Yield the processor between two looks, a little longer each time up to 50 ms."""

    def __init__(self) -> None:
        self._seconds = 0.002

    def __call__(self) -> None:
        time.sleep(self._seconds)
        self._seconds = min(0.05, self._seconds * 1.5)


def answers(port: int) -> bool:
    """Whether something accepts TCP connections on loopback `port`."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def http_status(url: str) -> int | None:
    """The status of a GET, or None where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def shipped_file(name: str, here: dict[str, str]) -> str:
    """A file of `deploy/` with its paths and ports, which are the keys, replaced by those of a
    test."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    for shipped, replacement in here.items():
        assert shipped in text, f"{name} has no {shipped}"
        text = text.replace(shipped, replacement)
    return text


class Server:
    """A child process of the test with a data directory; subclasses say how it starts and when it
    is ready."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def ready(self) -> bool:
        return answers(self.port)

    def start(self) -> None:
        log = (self.directory / "server.log").open("ab")
        # Debian keeps servers in /usr/sbin, which is not on everybody's path.
        environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
        self.process = subprocess.Popen(
            self.command(), stdout=log, stderr=log, cwd=self.directory, env=environment
        )
        log.close()
        wait_until(self._ready_or_dead, 60, f"{type(self).__name__} ready")

    def _ready_or_dead(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            log = (self.directory / "server.log").read_text(errors="replace")
            raise AssertionError(
                f"{self.command()[0]} ended with {self.process.returncode}:\n{log[-2000:]}"
            )
        return self.ready()

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(15)
        self.process = None


class NatsBroker(Server):
    """The embedded broker of the product."""

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        configuration = self.directory / "broker.conf"
        configuration.write_text(
            broker_configuration(self.directory / "jetstream", "127.0.0.1", self.port)
        )
        return broker_command(configuration)


class MosquittoBroker(Server):
    """Debian's Mosquitto, with a queue that does not drop and, if asked for, persistence written at
    every change."""

    def __init__(self, directory: Path, persistent: bool = True) -> None:
        super().__init__(directory)
        self.persistent = persistent

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        configuration = self.directory / "mosquitto.conf"
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "max_queued_messages 100000",
            "max_inflight_messages 4096",
        ]
        if self.persistent:
            lines += ["persistence true", f"persistence_location {self.directory}/"]
            lines += ["autosave_on_changes true", "autosave_interval 1"]
        if os.geteuid() == 0:
            lines.append("user root")
        configuration.write_text("\n".join(lines) + "\n")
        return ["mosquitto", "-c", str(configuration)]


class InfluxServer(Server):
    """Debian's InfluxDB 1.6 with its database `hearthwatch`; speaks only the 1.x write API."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.rpc_port = free_port()

    def command(self) -> list[str]:
        configuration = self.directory / "influxdb.conf"
        configuration.write_text(f"""\
reporting-disabled = true
bind-address = "127.0.0.1:{self.rpc_port}"
[meta]
  dir = "{self.directory}/meta"
[data]
  dir = "{self.directory}/data"
  wal-dir = "{self.directory}/wal"
  index-version = "tsi1"
  max-values-per-tag = 0
  max-series-per-database = 0
[http]
  bind-address = "127.0.0.1:{self.port}"
  log-enabled = false
[monitor]
  store-enabled = false
""")
        return ["influxd", "-config", str(configuration)]

    def ready(self) -> bool:
        return http_status(f"http://127.0.0.1:{self.port}/ping") == 204

    def start(self) -> None:
        super().start()
        query = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/query",
            data=b"q=CREATE DATABASE hearthwatch",
            method="POST",
        )
        urllib.request.urlopen(query, timeout=10).close()


class NginxSite(Server):
    """Debian's nginx with one site."""

    def site(self) -> str:
        """What stands in the folder of sites."""
        raise NotImplementedError

    def command(self) -> list[str]:
        configuration = self.directory / "nginx.conf"
        folders = "\n".join(
            f"  {name}_temp_path {self.directory}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        configuration.write_text(f"""\
daemon off;
pid {self.directory}/nginx.pid;
error_log {self.directory}/error.log;
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1;
events {{ worker_connections 256; }}
http {{
{folders}
access_log off;
{self.site()}
}}
""")
        return ["nginx", "-p", str(self.directory), "-c", str(configuration)]


class InfluxGate(NginxSite):
    """The shipped proxy before InfluxDB 1.6, which lacks `/api/v2/write`."""

    def __init__(self, directory: Path, influx: InfluxServer) -> None:
        super().__init__(directory)
        self.influx = influx

    @property
    def url(self) -> str:
        """As the `[store] url` of the configuration."""
        return f"influxdb+http://127.0.0.1:{self.port}/district/hearthwatch"

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def create(self, database: str) -> str:
        """Make a database, unless it is there; its address as the `[store] url` of the
        configuration."""
        self.execute(f'CREATE DATABASE "{database}"')
        return f"influxdb+http://127.0.0.1:{self.port}/district/{database}"

    def execute(self, influxql: str, database: str = "") -> None:
        """Run a statement, perhaps in a database."""
        form = urllib.parse.urlencode({"q": influxql, "db": database}).encode()
        urllib.request.urlopen(f"{self.http_url}/query", form, timeout=10).close()

    def site(self) -> str:
        here = {
            "127.0.0.1:8087": f"127.0.0.1:{self.port}",
            "127.0.0.1:8086": f"127.0.0.1:{self.influx.port}",
        }
        return shipped_file("nginx/influxdb.conf", here)


class VictoriaServer(Server):
    """Debian's VictoriaMetrics, which answers `/api/v2/write` itself."""

    @property
    def url(self) -> str:
        return f"influxdb+http://127.0.0.1:{self.port}/district/hearthwatch"

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [
            "victoria-metrics",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            f"-storageDataPath={self.directory}/data",
            "-memory.allowedBytes=256MB",
            "-retentionPeriod=10y",
        ]

    def ready(self) -> bool:
        return http_status(f"http://127.0.0.1:{self.port}/health") == 200


class PostgresServer(Server):
    """Debian's PostgreSQL with a cluster of its own.

    PostgreSQL refuses to run as root. Then it runs as `nobody`, in a folder that `nobody` may
    enter.
    """

    _UNPRIVILEGED = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups")

    def __init__(self) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix="postgres-")))
        if os.geteuid() == 0:
            shutil.chown(self.directory, "nobody", "nogroup")

    def start(self) -> None:
        cluster = ["--username", "tickets", "--auth", "trust", "--encoding", "UTF8", "--no-sync"]
        initdb = self._program("initdb", "--pgdata", f"{self.directory}/data", *cluster)
        subprocess.run(initdb, check=True, capture_output=True, cwd=self.directory)
        super().start()

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
        }
        flags = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        return self._program("postgres", "-D", f"{self.directory}/data", *flags)

    def ready(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """End it with its connections and without a checkpoint, and remove its folder."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.directory)

    def create(self, database: str) -> str:
        """Make a database; its address as the `[tickets] url` of the configuration."""
        self.execute(f'CREATE DATABASE "{database}"')
        return f"postgresql+psycopg://tickets@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Run a statement outside of a transaction."""
        address = f"host=127.0.0.1 port={self.port} user=tickets dbname=postgres"
        with psycopg.connect(address, autocommit=True, connect_timeout=2) as connection:
            connection.execute(statement.encode())

    def _program(self, name: str, *arguments: str) -> list[str]:
        # Debian keeps each version's programs in a folder of its own.
        program = max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        prefix = self._UNPRIVILEGED if os.geteuid() == 0 else ()
        return [*prefix, str(program), *arguments]
