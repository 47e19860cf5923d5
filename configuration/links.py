"""Files of a service are never opened through a symbolic link: it may lead to a file of others.

A link that somebody else put in place of a state file would make a service overwrite the file that
the link leads to, with the rights of the service. The folder that the operator names may be a link,
such as one to another disk, if root or this user made it. Nothing in that folder may be one.
"""

import errno
import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from configuration.load import ConfigurationError, ConfigurationProblem


def refuse_links(path: Path) -> None:
    """Raise ConfigurationError if `path`, or a file beside it that bears its name, is a link.

    Names such as `ingest.db-wal` and `ingest.db.lock` begin with that of `ingest.db`.
    """
    if (reason := why_linked(path)) is not None:
        raise ConfigurationError.at(path, reason)


def refuse_links_below(folder: Path, spared: tuple[str, ...] = ()) -> None:
    """Raise ConfigurationError that names each link in `folder` and in every folder below.

    Folders of `folder` whose names fit a pattern of `spared` are not looked into.
    """
    problems = [
        ConfigurationProblem(link, "", _advice(link)) for link in _links_below(folder, spared)
    ]
    if (foreign := _foreign_link(folder)) is not None:
        problems.append(ConfigurationProblem(foreign, "", _foreign_advice(foreign)))
    if problems:
        raise ConfigurationError(problems)


def why_linked(path: Path) -> str | None:
    """Return why `path` is refused, as by `refuse_links`; None if no link is in the way."""
    if (foreign := _foreign_link(path.parent)) is not None:
        return _foreign_advice(foreign)
    if path.is_symlink():
        return _advice(path)
    if not path.parent.is_dir() or not os.access(path.parent, os.R_OK):
        return None
    beside = (other for other in path.parent.iterdir() if other.name.startswith(path.name))
    return next((_advice(other) for other in beside if other.is_symlink()), None)


def open_unlinked(path: Path, flags: int) -> int:
    """Open the file at `path` as os.open does, for this user and its group; never through a link.

    Raises OSError.
    """
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise OSError(errno.ELOOP, _advice(path), str(path)) from error


def write_unlinked(path: Path, content: bytes) -> None:
    """Make `content` all that the file at `path` holds; never through a link. Raises OSError."""
    handle = open_unlinked(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _links_below(folder: Path, spared: tuple[str, ...]) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        yield from (path for name in (*folders, *files) if (path := Path(place, name)).is_symlink())
        if Path(place) == folder:
            folders[:] = [
                name for name in folders if not any(fnmatch(name, each) for each in spared)
            ]


def _foreign_link(folder: Path) -> Path | None:
    """Return the link on the way to `folder` that neither root nor this user made."""
    ours = (0, os.geteuid())
    for place in (folder.absolute(), *folder.absolute().parents):
        if place.is_symlink() and place.lstat().st_uid not in ours:
            return place
    return None


def _advice(link: Path) -> str:
    return (
        f"{link} is a symbolic link, and state is never opened through one; "
        "remove the link and name the real file or folder"
    )


def _foreign_advice(link: Path) -> str:
    return (
        f"{link} is a symbolic link of another user; "
        "remove it, or let root or this user make it (chown -h)"
    )
