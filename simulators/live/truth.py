"""The truth file: JSON lines that several processes append to."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from configuration.links import open_unlinked


class TruthLog:
    """An append-only file of whole lines; `append` hands each line to the operating system.

    Raises OSError if the file cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = open_unlinked(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def append(self, document: Mapping[str, object]) -> None:
        """Write one line in a single O_APPEND write, so that lines of several writers never mix."""
        line = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        os.write(self._descriptor, f"{line}\n".encode())

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def read_truth(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a truth file, without a last line that is still being written.

    Raises OSError if the file cannot be read and ValueError if a whole line is not JSON.
    """
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)
