"""TCP ports on loopback for the demo's processes."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack

from hearthwatch.base.errors import UsageError


def free_ports(names: Sequence[str]) -> dict[str, int]:
    """Return a different free port for each name; every port is held until all are known."""
    with ExitStack() as held:
        ports: dict[str, int] = {}
        for name in names:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[name] = int(probe.getsockname()[1])
        return ports


def usable_port(port: int, option: str) -> int:
    """Return `port` if it is free, or any free one for 0; raise UsageError that names `option`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"port {port} is in use; pass {option} with another one, or 0 for any free one"
            ) from error
        return int(probe.getsockname()[1])
