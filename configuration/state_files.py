"""Try, before a process works, whether it can keep its state; a refusal names key and path."""

import os
from collections.abc import Mapping
from pathlib import Path

from configuration.links import why_linked
from configuration.load import ConfigurationError, ConfigurationProblem


def require_state_files(config: Path, files: Mapping[str, Path]) -> None:
    """Make the missing folders of `files`, which are by the key of `config` that names each.

    Raises ConfigurationError that names each file that this user cannot write, or that is a link.
    """
    problems = [
        ConfigurationProblem(config, key, reason)
        for key, path in files.items()
        if (reason := _why_not_writable(path)) is not None
    ]
    if problems:
        raise ConfigurationError(problems)


def _why_not_writable(path: Path) -> str | None:
    folder = path.parent
    if (linked := why_linked(path)) is not None:
        return linked
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"the folder {folder} is missing and cannot be made: {error.strerror}"
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"the folder {folder} is on a read-only disk; mount it writable or name another"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"this user may not write the folder {folder}; give it to the user or name another"
    if path.is_dir():
        return f"{path} is a folder; name a file"
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return f"this user may not write the file {path}; give it to the user or name another"
    return None
