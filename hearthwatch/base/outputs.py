"""Files that a long run writes at its end: what would spoil them is said before it begins."""

from importlib.util import find_spec
from pathlib import Path

from hearthwatch.base.errors import UsageError


def check_output(option: str, path: Path | None) -> None:
    """Raise UsageError where the folder of `path` is missing."""
    if path is not None and not path.absolute().parent.is_dir():
        raise UsageError(f"{option}: there is no folder {path.absolute().parent}")


def check_picture(path: Path | None) -> None:
    """Raise UsageError where no picture can be drawn at `path`."""
    if path is not None and find_spec("matplotlib") is None:
        raise UsageError(
            "--picture needs matplotlib; install it with: pip install 'hearthwatch[sim]'"
        )
    check_output("--picture", path)
