"""The receipts: everything that ingest has received, in a SQLite file, one transaction a batch.

A batch counts from its commit on. Before it, its messages come again and are validated again;
after it, they are duplicates.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from configuration.load import ConfigurationError
from ingest.durable import held_readings
from ingest.durable.dead_letter_file import FileEnd, end_of
from ingest.reception.device_registry import UNREADABLE_KEPT, NewestReading, Remembered
from ingest.reception.tally import Tallies
from ingest.store.model import StoreUnavailable
from ingest.store.sqlite.file import BUSY_S, advice, open_database
from ingest.store.sqlite.many_rows import insert_rows
from wire.messages import DeviceAssignment, Retirement
from wire.topics import GatewayPath

# Files of earlier versions have these names: a column `place` holds a gateway path.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS received (
  place TEXT, epoch TEXT, intervals TEXT NOT NULL, PRIMARY KEY (place, epoch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gateway (place TEXT PRIMARY KEY, epoch TEXT, devices TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owner (device TEXT PRIMARY KEY, place TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mark (
  device TEXT PRIMARY KEY, epoch TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unreadable (number INTEGER PRIMARY KEY, digest BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS dead_letters (
  one INTEGER PRIMARY KEY CHECK (one = 1), inode INTEGER NOT NULL, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tally (
  place TEXT, name TEXT, count INTEGER NOT NULL, PRIMARY KEY (place, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heard (place TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subscription (filter TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retirement (
  place TEXT PRIMARY KEY, at INTEGER NOT NULL, retired INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS assignment (
  device TEXT PRIMARY KEY, at INTEGER NOT NULL, place TEXT) WITHOUT ROWID;
"""

_ADD_TO_TALLY: Final = """
INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count"""


class Receipts:
    """Loads the state of former runs and commits its changes."""

    def __init__(self, path: Path) -> None:
        """Open or make `path`; raises ConfigurationError if it cannot be used."""
        self._path = path
        self._database = open_database(path, _SCHEMA + held_readings.SCHEMA)

    def load(self) -> tuple[Remembered, FileEnd | None]:
        """Return the state, and the committed end of the dead-letter file.

        Raises ConfigurationError.
        """
        with _explained(self._path):
            remembered = _remembered(self._database)
            _read_decisions(self._database, remembered)
            return remembered, _committed_end(self._database)

    def subscribe(self, filters: Iterable[str]) -> frozenset[str]:
        """Note the topic filters of this run; returns the other ones, of former runs.

        The broker may still serve those. Raises ConfigurationError.
        """
        with _explained(self._path), self._database:
            rows = self._database.execute("SELECT filter FROM subscription")
            known = {topic for (topic,) in rows}
            wanted = set(filters)
            self._database.executemany(
                "INSERT INTO subscription VALUES (?)", [(topic,) for topic in wanted - known]
            )
        return frozenset(known - wanted)

    def commit(self, changes: Remembered, tallies: Tallies, dead_letters: FileEnd) -> None:
        """Commit a batch and its counts, or nothing of it and raise StoreUnavailable."""
        try:
            with self._database:
                self._write(changes)
                self._count(tallies)
                self._database.execute(
                    "INSERT OR REPLACE INTO dead_letters VALUES (1, ?, ?)",
                    (dead_letters.inode, dead_letters.size),
                )
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}; {advice(error)}") from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _write(self, changes: Remembered) -> None:
        self._write_gateways(changes)
        self._write_devices(changes)
        self._write_decisions(changes)
        self._write_unreadable(changes.unreadable)
        held_readings.write_held(self._database, changes.held, changes.released)

    def _write_gateways(self, changes: Remembered) -> None:
        received = [
            (str(gateway), epoch, json.dumps(pairs))
            for (gateway, epoch), pairs in changes.received.items()
        ]
        current = [(str(gateway), epoch) for gateway, epoch in changes.current.items()]
        births = [
            (str(gateway), json.dumps(claims, sort_keys=True))
            for gateway, claims in changes.births.items()
        ]
        self._database.executemany("INSERT OR REPLACE INTO received VALUES (?, ?, ?)", received)
        self._database.executemany(_set_of_gateway("epoch"), current)
        self._database.executemany(_set_of_gateway("devices"), births)

    def _write_devices(self, changes: Remembered) -> None:
        owners = [
            (device, str(owner)) for device, owner in changes.owners.items() if owner is not None
        ]
        self._database.executemany(
            "DELETE FROM owner WHERE device = ?", [(device,) for device in changes.owners]
        )
        self._database.executemany("INSERT INTO owner VALUES (?, ?)", owners)
        newest: list[object] = []
        for device, reading in changes.newest.items():
            newest += (device, *reading)
        insert_rows(self._database, "INSERT OR REPLACE INTO mark", 4, newest)

    def _write_decisions(self, changes: Remembered) -> None:
        retirements = [
            (str(gateway), last.at, last.retired) for gateway, last in changes.retirements.items()
        ]
        assignments = [
            (device, last.at, last.gateway) for device, last in changes.assignments.items()
        ]
        self._database.executemany(
            "INSERT OR REPLACE INTO retirement VALUES (?, ?, ?)", retirements
        )
        self._database.executemany(
            "INSERT OR REPLACE INTO assignment VALUES (?, ?, ?)", assignments
        )

    def _write_unreadable(self, digests: Sequence[bytes]) -> None:
        if not digests:
            return
        self._database.executemany(
            "INSERT INTO unreadable (digest) VALUES (?)", [(digest,) for digest in digests]
        )
        self._database.execute(
            "DELETE FROM unreadable WHERE number <= (SELECT max(number) FROM unreadable) - ?",
            (UNREADABLE_KEPT,),
        )

    def _count(self, tallies: Tallies) -> None:
        counts = [
            (_key(gateway), name, count)
            for gateway, counts in tallies.counts.items()
            for name, count in counts.items()
            if count
        ]
        heard = [(_key(gateway), at) for gateway, at in tallies.heard.items()]
        self._database.executemany(_ADD_TO_TALLY, counts)
        self._database.executemany("INSERT OR REPLACE INTO heard VALUES (?, ?)", heard)


def _set_of_gateway(column: str) -> str:
    """Return SQL that sets one column in the row of a gateway and keeps the others."""
    return (
        f"INSERT INTO gateway (place, {column}) VALUES (?, ?) "  # noqa: S608 - columns of our own
        f"ON CONFLICT DO UPDATE SET {column} = excluded.{column}"
    )


def read_receipts(path: Path) -> tuple[Remembered, Tallies]:
    """Read the state and the counts of the last commit at `path`; ingest may be running.

    Raises ConfigurationError if there is no such file or it cannot be read.
    """
    if not path.exists():
        message = "there is no such file: has ingest run with this configuration?"
        raise ConfigurationError.at(path, message)
    with _opened_to_read(path) as database:
        database.execute("BEGIN")  # one snapshot for both
        remembered = _remembered(database)
        _read_decisions(database, remembered)
        return remembered, _tallies(database)


def read_committed_end(path: Path) -> FileEnd | None:
    """Return the committed end of the dead-letter file, None without receipts at `path`.

    Raises ConfigurationError if the file cannot be read.
    """
    if not path.exists():
        return None
    with _opened_to_read(path) as database:
        return _committed_end(database)


def set_committed_end(path: Path, dead_letters: Path, former: FileEnd | None) -> None:
    """Make receipts that were put back fit the dead-letter file that lies there.

    `former` is the end that the replaced receipts had committed. If it is one of this file, what
    follows it was never committed; otherwise everything in the file counts. Without this, ingest
    would take lines that are newer than the receipts for uncommitted ones and cut them off. Raises
    ConfigurationError.
    """
    if not path.exists() or not dead_letters.exists():
        return
    here = end_of(dead_letters)
    end = former if former is not None and former.inode == here.inode else here
    with _explained(path), closing(open_database(path, _SCHEMA)) as database, database:
        database.execute(
            "INSERT OR REPLACE INTO dead_letters VALUES (1, ?, ?)", (end.inode, end.size)
        )


@contextmanager
def _opened_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with _explained(path), closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as database:
        yield database


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, ValueError) as error:
        raise ConfigurationError.at(path, f"{error}; {advice(error)}") from error


def _remembered(database: sqlite3.Connection) -> Remembered:
    read = database.execute
    remembered = Remembered(
        newest={device: NewestReading(*mark) for device, *mark in read("SELECT * FROM mark")},
        owners={device: _gateway(owner) for device, owner in read("SELECT * FROM owner")},
        unreadable=[digest for (digest,) in read("SELECT digest FROM unreadable ORDER BY number")],
    )
    for gateway, epoch, pairs in read("SELECT * FROM received"):
        remembered.received[_gateway(gateway), epoch] = tuple(
            (first, last) for first, last in json.loads(pairs)
        )
    for gateway, epoch, devices in read("SELECT * FROM gateway"):
        if epoch is not None:
            remembered.current[_gateway(gateway)] = epoch
        if devices is not None:
            path = _gateway(gateway)
            remembered.births[path] = _claims(path, json.loads(devices), remembered.owners)
    return remembered


def _claims(
    gateway: GatewayPath,
    devices: dict[str, int] | list[str],
    owners: Mapping[str, GatewayPath | None],
) -> dict[str, int]:
    """Return since when `gateway` claims its devices.

    Earlier versions kept no times: there the owner's claim is the older one.
    """
    if isinstance(devices, dict):
        return devices
    return {device: 0 if owners.get(device) == gateway else 1 for device in devices}


def _read_decisions(database: sqlite3.Connection, remembered: Remembered) -> None:
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'held'").fetchone():
        return  # a file of an earlier version, which ingest has not opened yet
    for gateway, at, retired in database.execute("SELECT * FROM retirement"):
        remembered.retirements[_gateway(gateway)] = Retirement(at, bool(retired))
    for device, at, gateway in database.execute("SELECT * FROM assignment"):
        remembered.assignments[device] = DeviceAssignment(at, gateway)
    remembered.waiting = held_readings.count_waiting(database)


def _tallies(database: sqlite3.Connection) -> Tallies:
    tallies = Tallies()
    for gateway, name, count in database.execute("SELECT * FROM tally"):
        tallies.counts.setdefault(_gateway_or_none(gateway), Counter())[name] = count
    for gateway, at in database.execute("SELECT * FROM heard"):
        tallies.heard[_gateway_or_none(gateway)] = at
    return tallies


def _committed_end(database: sqlite3.Connection) -> FileEnd | None:
    row = database.execute("SELECT inode, size FROM dead_letters").fetchone()
    return FileEnd(*row) if row is not None else None


def _key(gateway: GatewayPath | None) -> str:
    """Return the key of a gateway's rows; it is empty for messages whose topic names none."""
    return str(gateway) if gateway is not None else ""


def _gateway(text: str) -> GatewayPath:
    return GatewayPath(*text.split("/"))


def _gateway_or_none(text: str) -> GatewayPath | None:
    return _gateway(text) if text else None
