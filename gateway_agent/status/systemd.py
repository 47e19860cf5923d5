"""Words to the service manager, sd_notify(3): ready, reloading, stopping, and the food of the
watchdog."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic_ns


class Notifier:
    """Speaks to the socket that the service manager gave us; says nothing where there is none."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Take NOTIFY_SOCKET and WATCHDOG_USEC from `environment`."""
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        microseconds = environment.get("WATCHDOG_USEC", "")
        self.watchdog_s: float | None = (
            int(microseconds) / 1_000_000 if microseconds.isdigit() else None
        )
        """Seconds of silence after which the manager restarts us; None where it does not watch."""

    def ready(self) -> None:
        """Start-up or a reload is done."""
        self._send("READY=1")

    def reloading(self) -> None:
        """The configuration is being read again."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_ns() // 1_000}")

    def stopping(self) -> None:
        """We are going, in our own time."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Everything turns."""
        self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if self._address:
            # A manager that does not listen is no reason to wait, or to stop reading heat pumps.
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.setblocking(False)
                channel.sendto(text.encode(), self._address)
