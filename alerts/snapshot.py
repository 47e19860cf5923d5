"""Rule state on disk: one npz file of plain arrays, replaced in one step.

A district's state is some 50 MB, most of it zeros; packed it is a tenth, which spares a disk that
takes it every 30 s.
"""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import structlog

from configuration.links import open_unlinked

SNAPSHOT_NAME: Final = "rules.npz"
"""The file of the rule state in the directory `[alerts] state`."""
_log = structlog.get_logger()

Arrays = dict[str, np.ndarray]


class SnapshotFile:
    """The file `rules.npz` in the directory `[alerts] state`."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / SNAPSHOT_NAME

    def write(self, parts: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """Replace the file by the arrays of each named part; raises OSError, and then the old file
        stands."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            f"{part}/{name}": values
            for part, content in parts.items()
            for name, values in content.items()
        }
        unfinished = self._path.with_suffix(".new")
        handle = open_unlinked(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with os.fdopen(handle, "wb") as file:
            _write_packed(file, arrays)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._path)

    def read(self) -> dict[str, Arrays]:
        """The parts last written; empty where there is no file. A file that cannot be read is set
        aside."""
        try:
            with np.load(self._path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            self._path.replace(self._path.with_suffix(".unreadable"))
            _log.error(
                "rule state is unreadable and was set aside", file=str(self._path), error=str(error)
            )
            return {}
        return _parts(arrays)


def _write_packed(file: BinaryIO, arrays: Arrays) -> None:
    """As numpy.savez_compressed, but at a speed that does not hold up the readings: 52 MB in an
    eighth of a second."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, values, allow_pickle=False)


def _parts(arrays: Arrays) -> dict[str, Arrays]:
    parts: dict[str, Arrays] = {}
    for name, values in arrays.items():
        part, _, rest = name.partition("/")
        parts.setdefault(part, {})[rest] = values
    return parts
