"""`hearthwatch restore`: put parts of a backup back; what they replace stays beside them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from configuration.exclusive import exclusive
from hearthwatch.backup.copies import checksum, copy_file, rows_of, sync
from hearthwatch.backup.manifest import CopiedPart, Manifest, read_manifest
from hearthwatch.backup.parts import (
    DEAD_LETTERS,
    RECEIPTS,
    StatePart,
    is_configuration,
    state_parts,
)
from hearthwatch.base.errors import FailedError, UsageError
from hearthwatch.run.server_settings import ServerSettings
from ingest.durable.receipts import read_committed_end, set_committed_end

_RUNNING = "a running service holds it; stop ingest and alerts, then restore"
_BESIDE = ("", "-wal", "-shm")


def restore(
    folder: Path,
    config: Path,
    settings: ServerSettings,
    only: Sequence[str],
    now: datetime,
    *,
    state_only: bool = False,
) -> Manifest:
    """Put the parts named in `only` back where `settings` has them, all parts if it is empty.

    `state_only` leaves the parts that people write as they are. A file that is replaced gets the
    suffix `.before-TIME`. Returns the manifest, with the restored parts only. Raises UsageError,
    FailedError, and ConfigurationError while a service runs.
    """
    manifest = read_manifest(folder)
    chosen = _chosen(manifest, only, state_only)
    places = {part.name: part for part in state_parts(config, settings)}
    _check(folder, chosen, places)
    with _services_stopped(settings):
        end = read_committed_end(settings.ingest.state)
        for part in chosen:
            _put_back(folder / part.name, places[part.name].path, f".before-{now:%Y%m%dT%H%M%S}")
        if {part.name for part in chosen} & {RECEIPTS, DEAD_LETTERS}:
            restored = any(part.name == DEAD_LETTERS for part in chosen)
            committed = None if restored or end is None else end
            set_committed_end(settings.ingest.state, settings.store.dead_letters, committed)
    return replace(manifest, parts=chosen)


def _chosen(manifest: Manifest, only: Sequence[str], state_only: bool) -> list[CopiedPart]:
    known = [part.name for part in manifest.parts]
    if unknown := [name for name in only if name not in known]:
        raise UsageError(f"--only: {', '.join(unknown)} is not of {', '.join(known)}")
    chosen = [part for part in manifest.parts if not only or part.name in only]
    return [part for part in chosen if not (state_only and is_configuration(part.name))]


def _check(folder: Path, chosen: Sequence[CopiedPart], places: dict[str, StatePart]) -> None:
    """Check every part before the first is put back."""
    for part in chosen:
        if part.name not in places:
            raise UsageError(f"{part.name}: this configuration has no place for it; leave it out")
        target = places[part.name].path
        if target.parent.is_dir() and not os.access(target.parent, os.W_OK):
            raise FailedError(
                f"{target}: this user may not write its folder; run this as the services' user, or "
                "leave the configuration as it is with --state-only"
            )
        copy = folder / part.name
        if not copy.is_file() or checksum(copy) != part.sha256:
            raise FailedError(f"{copy}: the copy is missing or damaged; use another backup")
        if part.rows and rows_of(copy) != dict(part.rows):
            raise FailedError(f"{copy}: the copy does not hold the rows of the manifest")


@contextmanager
def _services_stopped(settings: ServerSettings) -> Iterator[None]:
    """Hold what ingest and alerts hold while they run."""
    with (
        exclusive(settings.ingest.state, _RUNNING),
        exclusive(settings.store.dead_letters, _RUNNING),
        exclusive(settings.alerts.state / "alerts", _RUNNING),
        exclusive(settings.alerts.state / "server", _RUNNING),
    ):
        yield


def _put_back(copy: Path, target: Path, suffix: str) -> None:
    try:
        draft = _draft(copy, target)
        # A log that belongs to the replaced database would damage the restored one.
        for ending in _BESIDE:
            replaced = target.with_name(target.name + ending)
            if replaced.exists():
                replaced.rename(target.with_name(target.name + suffix + ending))
        draft.replace(target)
        sync(target.parent)
    except OSError as error:
        message = f"{target}: cannot be replaced: {error.strerror}; run this as the services' user"
        raise FailedError(message) from error


def _draft(copy: Path, target: Path) -> Path:
    """Copy `copy` beside `target`, for the owner that the services have."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.restoring")
    copy_file(copy, draft)
    owner = (target if target.exists() else target.parent).stat()
    os.chown(draft, owner.st_uid, owner.st_gid)
    return draft
