"""The list of devices that people keep: a CSV file with the columns `device`, `commissioned` and,
where people decide to which gateway a device belongs, `gateway`."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

import structlog

from configuration.load import ConfigurationError, ConfigurationProblem
from wire.clocks import EARLIEST_MS
from wire.identifiers import is_identifier
from wire.units import SECOND_MS

_log = structlog.get_logger()

_Row = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Admission:
    """The listed devices with the earliest event time of each (UTC ms), and `gateways` by device.

    A gateway is named by its path or the end of it (`wire.ownership.LedgerWord`). With
    `registered_only` all other devices are refused.
    """

    commissioned: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    registered_only: bool = False
    gateways: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def takes(self, device: str) -> bool:
        """Whether readings of `device` are accepted at all."""
        return not self.registered_only or device in self.commissioned

    def earliest(self, device: str) -> int:
        """Return the earliest event time of a reading of `device` (UTC ms)."""
        return self.commissioned.get(device, EARLIEST_MS)


def read_admission(path: Path, registered_only: bool, zone: tzinfo) -> Admission:
    """Read the list in `path`; raises ConfigurationError with every unusable line.

    `commissioned` is an ISO date or time, or empty. Without an offset it is local time in `zone`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            commissioned, gateways = _listed(path, file, zone)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError.at(path, f"{error}; ingest.registered names this list") from error
    named = MappingProxyType(gateways)
    return Admission(MappingProxyType(commissioned), registered_only, named)


class DeviceList:
    """The list in a file that may change: a new device needs no restart."""

    def __init__(self, path: Path, registered_only: bool, zone: tzinfo) -> None:
        """Read the list as `read_admission` does; raises ConfigurationError."""
        self._path = path
        self._registered_only = registered_only
        self._zone = zone
        self._version = _version(path)
        self._admission = self._read()

    def current(self) -> Admission:
        """Return the newest good list; logs an unusable one once and keeps the last good one."""
        version = _version(self._path)
        if version != self._version:
            self._version = version
            self._renew()
        return self._admission

    def _renew(self) -> None:
        try:
            self._admission = self._read()
        except ConfigurationError as error:
            kept = len(self._admission.commissioned)
            _log.error("device_list_unusable", reason=str(error), keeping=kept)
        else:
            _log.info("device_list_read", devices=len(self._admission.commissioned))

    def _read(self) -> Admission:
        return read_admission(self._path, self._registered_only, self._zone)


def _version(path: Path) -> tuple[int, int, int] | None:
    """Return numbers that change with the file, or None while it is missing."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _listed(path: Path, file: TextIO, zone: tzinfo) -> tuple[dict[str, int], dict[str, str]]:
    rows = csv.DictReader(file)
    if "device" not in (rows.fieldnames or ()):
        message = "the first line must name the columns device,commissioned"
        raise ConfigurationError.at(path, message)
    commissioned: dict[str, int] = {}
    gateways: dict[str, str] = {}
    problems: list[ConfigurationProblem] = []
    for row in rows:
        try:
            device = _device(row)
            commissioned[device] = _time(row.get("commissioned"), zone)
            if gateway := _gateway(row.get("gateway")):
                gateways[device] = gateway
        except ValueError as error:
            problems.append(ConfigurationProblem(path, f"line {rows.line_num}", str(error)))
    if problems:
        raise ConfigurationError(problems)
    return commissioned, gateways


def _device(row: _Row) -> str:
    device = row["device"] or ""
    if not is_identifier(device):
        raise ValueError(
            f"{device!r} is not a device id; use 1 to 48 of a-z 0-9 -, "
            "beginning with a letter or digit"
        )
    return device


def _gateway(text: str | None) -> str | None:
    if not text:
        return None
    levels = text.split("/")
    if len(levels) > 4 or not all(map(is_identifier, levels)):
        raise ValueError(
            f"gateway: {text!r} is no gateway; write district/town/village/gateway, "
            "or the gateway's id alone where it is unique"
        )
    return text


def _time(text: str | None, zone: tzinfo) -> int:
    if not text:
        return EARLIEST_MS
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"commissioned: {text!r} is not a date such as 2025-10-31") from error
    local = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return max(EARLIEST_MS, round(local.timestamp() * SECOND_MS))
