"""The files of a checkout that people write."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_GENERATED_OR_FOREIGN: Final = frozenset(
    {"build", "dist", "golden", "node_modules", "vendor", "venv", "__pycache__"}
)


def files(root: Path, *suffixes: str) -> Iterator[Path]:
    """Yield the files below `root` that end in one of `suffixes`, sorted by path.

    Folders that hold generated or foreign files are left out, and so are hidden ones.
    """
    for folder, names_of_folders, names in os.walk(root):
        names_of_folders[:] = sorted(name for name in names_of_folders if _is_ours(name))
        for name in sorted(names):
            if name.endswith(suffixes):
                yield Path(folder, name)


def top_folders(root: Path) -> frozenset[str]:
    """Return the names of the folders directly below `root`, without hidden and foreign ones."""
    return frozenset(path.name for path in root.iterdir() if path.is_dir() and _is_ours(path.name))


def _is_ours(name: str) -> bool:
    return not name.startswith(".") and name not in _GENERATED_OR_FOREIGN
