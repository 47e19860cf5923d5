"""`hearthwatch backup`: copy every part, check the copies, write the manifest."""

from collections.abc import Callable
from pathlib import Path

from hearthwatch import __version__
from hearthwatch.backup.copies import checksum, copy_database, copy_file, rows_of, sync
from hearthwatch.backup.manifest import CopiedPart, Manifest, write_manifest
from hearthwatch.backup.parts import RECEIPTS, StatePart, foreign_parts, state_parts
from hearthwatch.base.errors import FailedError, UsageError
from hearthwatch.run.server_settings import ServerSettings
from ingest.durable.receipts import read_committed_end


def back_up(
    folder: Path, config: Path, settings: ServerSettings, clock: Callable[[], int]
) -> Manifest:
    """Copy the state of the district into `folder`, which is new or empty; services may run.

    A part that does not exist is left out and named in the manifest. Raises UsageError and
    FailedError; `folder` is then no backup.
    """
    _make(folder)
    begun = clock()
    wanted = state_parts(config, settings)
    absent = [part.name for part in wanted if not part.path.exists()]
    parts = [_copied(part, folder, clock) for part in wanted if part.name not in absent]
    manifest = Manifest(begun, __version__, parts, absent, foreign_parts(settings))
    write_manifest(folder, manifest)
    sync(folder)
    return manifest


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        if any(folder.iterdir()):
            raise UsageError(f"{folder}: name a new or empty folder for the backup")
    except OSError as error:
        raise FailedError(
            f"{folder}: {error.strerror}; name a folder that you may write"
        ) from error


def _copied(part: StatePart, folder: Path, clock: Callable[[], int]) -> CopiedPart:
    target = folder / part.name
    target.parent.mkdir(exist_ok=True)
    at, rows = clock(), {}
    if part.kind == "sqlite":
        copy_database(part.path, target)
        rows = rows_of(target)
    else:
        copy_file(part.path, target, _committed_size(part, folder))
    size = target.stat().st_size
    return CopiedPart(part.name, str(part.path.absolute()), at, size, checksum(target), rows)


def _committed_size(part: StatePart, folder: Path) -> int | None:
    """How much of the dead letters the receipts in the backup have committed.

    What follows belongs to later batches: restored with these receipts, it would stand twice.
    """
    if part.kind != "dead_letters":
        return None
    end = read_committed_end(folder / RECEIPTS)
    return end.size if end is not None and end.inode == part.path.stat().st_ino else None
