"""What the demo was asked to do, checked before anything starts."""

import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hearthwatch.base.errors import UsageError
from hearthwatch.base.periods import parse_length


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The demo's options with ports found and the data folder resolved; `run_ms` is None to run
    until Ctrl-C."""

    units: int
    speed: float
    seed: int
    port: int
    mqtt_port: int
    data: Path
    run_ms: int | None
    report: Path | None
    as_json: bool

    @classmethod
    def checked(
        cls,
        units: int,
        speed: float,
        seed: int,
        port: int,
        mqtt_port: int,
        data: Path | None,
        duration: str | None,
        report: Path | None,
        as_json: bool,
    ) -> "DemoOptions":
        """The options as given on the command line; raises UsageError saying what to pass
        instead."""
        run_ms = parse_length("--for", duration) if duration is not None else None
        folder = (
            data.absolute()
            if data is not None
            else Path(tempfile.mkdtemp(prefix="hearthwatch-demo-"))
        )
        console, broker = _port(port, "--port"), _port(mqtt_port, "--mqtt-port")
        return cls(units, speed, seed, console, broker, folder, run_ms, report, as_json)


def _port(port: int, option: str) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"port {port} is in use; pass {option} with another one, or 0 for any free one"
            ) from error
        return int(probe.getsockname()[1])
