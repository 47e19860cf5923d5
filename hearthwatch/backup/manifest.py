"""The manifest of a backup: what was copied when, and how to tell that it is whole."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from hearthwatch.backup.parts import ForeignPart
from hearthwatch.base.errors import UsageError

MANIFEST: Final = "manifest.json"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class CopiedPart:
    """A file of the backup: where it came from, when (UTC ms), its checksum, its rows by table."""

    name: str
    source: str
    at: int
    size: int
    sha256: str
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole backup, begun at `made_at` (UTC ms) by version `hearthwatch` of the software.

    `absent` names the files that did not exist, `elsewhere` the databases that were not copied.
    """

    made_at: int
    hearthwatch: str
    parts: list[CopiedPart]
    absent: list[str]
    elsewhere: list[ForeignPart]

    def document(self) -> dict[str, object]:
        """Return the manifest as JSON can hold it."""
        return {"v": _VERSION, **asdict(self)}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, which makes the folder a backup."""
    text = json.dumps(manifest.document(), ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest in `folder`; raises UsageError if it is no whole backup."""
    try:
        document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if document.pop("v") != _VERSION:
            raise UsageError(f"{folder}: another version of hearthwatch made this backup")
        return Manifest(
            parts=[CopiedPart(**part) for part in document.pop("parts")],
            elsewhere=[ForeignPart(**part) for part in document.pop("elsewhere")],
            **document,
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = f"{folder}: no whole backup is there ({MANIFEST} is missing or damaged)"
        raise UsageError(message) from error
