"""Which devices there are, from a list that people keep: a CSV file with the columns `device` and
`commissioned`."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from configuration.load import ConfigurationError, ConfigurationProblem
from wire.clocks import EARLIEST_MS
from wire.identifiers import is_identifier

_DATES: Final = ZoneInfo("Asia/Shanghai")  # design §6: what people write is local time

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Admission:
    """The listed devices with the earliest event time of each (UTC ms), and whether no others are
    taken."""

    commissioned: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    registered_only: bool = False

    def takes(self, device: str) -> bool:
        """Whether readings of `device` are taken at all."""
        return not self.registered_only or device in self.commissioned

    def earliest(self, device: str) -> int:
        """The earliest event time of a reading of `device` (UTC ms)."""
        return self.commissioned.get(device, EARLIEST_MS)


def read_admission(path: Path, registered_only: bool) -> Admission:
    """The list in `path`; raises ConfigurationError naming every line that cannot be used.

    `commissioned` is an ISO date or time, local unless it says otherwise, or empty.
    """
    commissioned: dict[str, int] = {}
    problems: list[ConfigurationProblem] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if "device" not in (rows.fieldnames or ()):
                raise ConfigurationError(
                    [
                        ConfigurationProblem(
                            path, "", "the first line must name the columns device,commissioned"
                        )
                    ]
                )
            for row in rows:
                try:
                    commissioned[_device(row)] = _time(row.get("commissioned"))
                except ValueError as error:
                    problems.append(ConfigurationProblem(path, f"line {rows.line_num}", str(error)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(
            [ConfigurationProblem(path, "", f"{error}; ingest.registered names this list")]
        ) from error
    if problems:
        raise ConfigurationError(problems)
    return Admission(MappingProxyType(commissioned), registered_only)


class DeviceList:
    """The list as it stands now: read again when the file has changed, so that a new device needs
    no restart."""

    def __init__(self, path: Path, registered_only: bool) -> None:
        """Raises ConfigurationError where the list cannot be used."""
        self._path = path
        self._only = registered_only
        self._state = _state(path)
        self._admission = read_admission(path, registered_only)

    def current(self) -> Admission:
        """The newest good list; one that cannot be used is logged once, and the last good one
        stays."""
        state = _state(self._path)
        if state != self._state:
            self._state = state
            try:
                self._admission = read_admission(self._path, self._only)
                _log.info("device_list_read", devices=len(self._admission.commissioned))
            except ConfigurationError as error:
                _log.error(
                    "device_list_unusable",
                    reason=str(error),
                    keeping=len(self._admission.commissioned),
                )
        return self._admission


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _device(row: Mapping[str, str | None]) -> str:
    device = row["device"] or ""
    if not is_identifier(device):
        raise ValueError(
            f"{device!r} is not a device id; use 1 to 48 of a-z 0-9 -, beginning with a letter or digit"
        )
    return device


def _time(text: str | None) -> int:
    if not text:
        return EARLIEST_MS
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"commissioned: {text!r} is not a date such as 2025-10-31") from error
    local = moment if moment.tzinfo is not None else moment.replace(tzinfo=_DATES)
    return max(EARLIEST_MS, round(local.timestamp() * 1000))
