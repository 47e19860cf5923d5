"""Free TCP ports on loopback."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack


def free_ports(names: Sequence[str]) -> dict[str, int]:
    """A different free port for each name; all are held until all are known."""
    with ExitStack() as held:
        ports: dict[str, int] = {}
        for name in names:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[name] = int(probe.getsockname()[1])
        return ports
