"""What the demo was asked to do, checked before anything starts."""

import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of a demo: ports that are free, and a folder for all files.

    `run_ms` is how long the demo runs once it is ready; None runs it until Ctrl-C. One line has
    the `quirks` of `simulate bus`.
    """

    units: int
    speed: float
    seed: int
    port: int
    mqtt_port: int
    data: Path
    run_ms: int | None
    report: Path | None
    as_json: bool
    quirks: tuple[str, ...] = ()


def data_folder(asked: Path | None) -> Path:
    """Return the folder asked for as an absolute path, or a new temporary one."""
    if asked is not None:
        return asked.absolute()
    return Path(tempfile.mkdtemp(prefix="hearthwatch-demo-"))
