"""Files that a long run writes at its end: mistakes are reported before the run begins."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from hearthwatch.base.errors import UsageError
from hearthwatch.base.installing import install_advice


def check_output(option: str, path: Path | None) -> None:
    """Raise UsageError if the folder of `path` is missing; None needs no folder."""
    if path is not None and not path.absolute().parent.is_dir():
        raise UsageError(f"{option}: there is no folder {path.absolute().parent}")


def check_picture(path: Path | None) -> None:
    """Raise UsageError if no picture can be drawn at `path`."""
    if path is not None and find_spec("matplotlib") is None:
        raise UsageError(f"--picture needs matplotlib; {install_advice('sim')}")
    check_output("--picture", path)


@contextmanager
def written_by(option: str, path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a UsageError that names `option` and `path`."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{option}: cannot write {path}: {error.strerror or error}") from error
