"""Notifications to the service manager, sd_notify(3): ready, reloading, stopping, keep-alive."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic_ns


class Notifier:
    """Writes to the socket of the service manager; does nothing if there is none."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Take NOTIFY_SOCKET and WATCHDOG_USEC from `environment`."""
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        microseconds = environment.get("WATCHDOG_USEC", "")
        self.watchdog_s: float | None = (
            int(microseconds) / 1_000_000 if microseconds.isdigit() else None
        )
        """Seconds of silence after which the manager restarts us; None without a watchdog."""

    def ready(self) -> None:
        """Report that start-up or a reload is done."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Report that the configuration is being read again."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_ns() // 1_000}")

    def stopping(self) -> None:
        """Report that the process is about to end."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Send a watchdog keep-alive."""
        self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if self._address:
            # A manager that does not listen must not delay or end the polling.
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.setblocking(False)
                channel.sendto(text.encode(), self._address)
