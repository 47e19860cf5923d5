"""The embedded MQTT broker: nats-server as a child process."""

import shutil
import sysconfig
from pathlib import Path
from typing import Final

from hearthwatch.base.errors import UsageError
from hearthwatch.base.installing import install_advice

# Unacknowledged QoS 1 messages that a subscriber may hold: several batches of ingest, so that the
# next batch fills while the last is being written. Messages that ingest does not read for ten
# seconds are sent again on a new connection.
MAX_IN_FLIGHT: Final = 1_024
# Time without a PUBACK after which the broker sends again (reliability §2 "set a low ack_wait").
ACK_WAIT: Final = "5s"


class BrokerMissingError(UsageError):
    """The embedded broker's program is not installed."""


def broker_command(configuration: Path) -> list[str]:
    """Return the command line that runs the broker; raise BrokerMissingError."""
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        raise BrokerMissingError(f"nats-server is not installed; {install_advice('sim')}")
    return [program, "-c", str(configuration)]


def broker_configuration(data: Path, host: str, port: int) -> str:
    """Return the broker's configuration: MQTT on `host:port`, its files under `data`.

    The broker has no accounts, so it must listen on loopback; any other host raises ValueError.
    """
    if host not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError(
            "the embedded broker takes anonymous clients and so listens on loopback only, "
            f"not {host}"
        )
    return f"""\
server_name: hearthwatch
listen: "127.0.0.1:-1"
jetstream {{ store_dir: "{data}", max_memory_store: 64MB, max_file_store: 8GB }}
mqtt {{
  listen: "{host}:{port}"
  ack_wait: "{ACK_WAIT}"
  max_ack_pending: {MAX_IN_FLIGHT}
}}
"""
