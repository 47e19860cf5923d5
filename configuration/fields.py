"""Field types that configuration models share (contract §9)."""

import os
import stat
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from wire.durations import parse_duration
from wire.identifiers import is_identifier

DEFAULT_TIME_ZONE: Final = "Asia/Shanghai"
"""The district's time zone unless `[season] timezone` names another (design §6)."""


class Settings(BaseModel):
    """Base of every configuration table: an unknown key is an error, and values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def resolve_path(path: Path, info: ValidationInfo) -> Path:
    """Return `path` relative to the folder `base` of the validation context, if there is one."""
    base = (info.context or {}).get("base")
    return path if base is None else Path(base) / path.expanduser()


def resolve_state_path(path: Path, info: ValidationInfo) -> Path:
    """Return `path` relative to the folder of state in the validation context, or else its base."""
    folder = (info.context or {}).get("state")
    return resolve_path(path, info) if folder is None else Path(folder) / path.expanduser()


def _identifier(text: str) -> str:
    if not is_identifier(text):
        raise ValueError(
            f"{text!r} is not an identifier; use 1 to 48 of a-z 0-9 -, "
            "beginning with a letter or digit"
        )
    return text


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


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is not a time zone of the tz database") from error
    return name


FilePath = Annotated[Path, AfterValidator(resolve_path)]
"""A path in a configuration file, relative to the folder of that file."""

StatePath = Annotated[Path, AfterValidator(resolve_state_path)]
"""The path of a file or folder that a service writes: relative to `[state] directory`, or without
one to the folder of the configuration file."""

PresentPath = Annotated[FilePath, AfterValidator(_present)]
"""The path of a file that must exist."""

SecretPath = Annotated[PresentPath, AfterValidator(_kept_secret)]
"""The path of a file with a password or private key; refused if everybody may read it."""

Duration = Annotated[int, BeforeValidator(parse_duration, json_schema_input_type=str), Field(ge=0)]
"""Milliseconds, written as `500ms 30s 10m 2h 7d`."""

Identifier = Annotated[str, AfterValidator(_identifier)]
"""A district, town, village, gateway, device or profile id (contract §1)."""

TimeZoneName = Annotated[str, AfterValidator(_time_zone)]
"""A name of the tz database, such as `Asia/Shanghai`."""
