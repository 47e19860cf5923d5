"""Field types that configuration models share (contract §9)."""

import os
import stat
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from wire.durations import parse_duration
from wire.identifiers import is_identifier


class Settings(BaseModel):
    """Base of every configuration table: an unknown key is an error, and nothing changes after
    loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def resolve_path(path: Path, info: ValidationInfo) -> Path:
    """`path`, taken relative to the folder of the file it stands in (given as validation context
    `base`)."""
    base = (info.context or {}).get("base")
    return path if base is None else Path(base) / path.expanduser()


def _identifier(text: str) -> str:
    if not is_identifier(text):
        raise ValueError(
            f"{text!r} is not an identifier; use 1 to 48 of a-z 0-9 -, beginning with a letter or digit"
        )
    return text


FilePath = Annotated[Path, AfterValidator(resolve_path)]
"""A path in a configuration file; relative ones are relative to that file."""


def _present(path: Path) -> Path:
    if not os.access(path, os.R_OK):
        raise ValueError(f"{path} does not exist or may not be read by this user")
    return path


def _kept_secret(path: Path) -> Path:
    if path.stat().st_mode & stat.S_IRWXO:
        raise ValueError(
            f"{path} is open to everybody on this machine; make it secret with chmod o= {path}"
        )
    return path


PresentPath = Annotated[FilePath, AfterValidator(_present)]
"""The path of a file that must be there."""

SecretPath = Annotated[PresentPath, AfterValidator(_kept_secret)]
"""The path of a file that holds a password or a private key: refused where everybody may read
it."""

Duration = Annotated[int, BeforeValidator(parse_duration, json_schema_input_type=str), Field(ge=0)]
"""Milliseconds, written as `500ms 30s 10m 2h 7d`."""

Identifier = Annotated[str, AfterValidator(_identifier)]
"""A district, town, village, gateway, device or profile id (contract §1)."""
