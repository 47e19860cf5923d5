"""The ledger: what ingest has received, in its own small SQLite file, one transaction per batch.

The commit is the moment a batch counts: before it, its messages come again and are judged again; after it, they are
duplicates.
"""

import json
import sqlite3
from pathlib import Path
from typing import Final

from configuration.load import ConfigurationError, Problem
from ingest.dead_letters import Position
from ingest.register import UNREADABLE_KEPT, Mark, Remembered
from ingest.store.model import StoreUnavailable
from ingest.store.sqlite_file import advice, open_database
from wire.topics import Place

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS received (
  place TEXT, epoch TEXT, intervals TEXT NOT NULL, PRIMARY KEY (place, epoch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gateway (place TEXT PRIMARY KEY, epoch TEXT, devices TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owner (device TEXT PRIMARY KEY, place TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mark (
  device TEXT PRIMARY KEY, epoch TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unreadable (number INTEGER PRIMARY KEY, digest BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS dead_letters (
  one INTEGER PRIMARY KEY CHECK (one = 1), inode INTEGER NOT NULL, size INTEGER NOT NULL);
"""


class Ledger:
    """Loads what is remembered and commits what changed."""

    def __init__(self, path: Path) -> None:
        """Open `path`, making it where it is missing; raises ConfigurationError where it cannot be used."""
        self._path = path
        self._database = open_database(path, _SCHEMA)

    def load(self) -> tuple[Remembered, Position | None]:
        """Everything remembered, and the committed end of the dead-letter file; raises ConfigurationError."""
        try:
            return self._remembered(), self._position()
        except (sqlite3.Error, ValueError) as error:
            raise ConfigurationError([Problem(self._path, "", f"{error}; {advice(error)}")]) from error

    def commit(self, changes: Remembered, dead_letters: Position) -> None:
        """Commit a batch; raises StoreUnavailable, and then nothing of it is committed."""
        try:
            with self._database:
                self._write(changes)
                self._database.execute(
                    "INSERT OR REPLACE INTO dead_letters VALUES (1, ?, ?)", (dead_letters.inode, dead_letters.size)
                )
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}; {advice(error)}") from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _write(self, changes: Remembered) -> None:
        many = self._database.executemany
        many(
            "INSERT OR REPLACE INTO received VALUES (?, ?, ?)",
            [(_text(place), epoch, json.dumps(pairs)) for (place, epoch), pairs in changes.received.items()],
        )
        many(
            "INSERT INTO gateway (place, epoch) VALUES (?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch",
            [(_text(place), epoch) for place, epoch in changes.current.items()],
        )
        many(
            "INSERT INTO gateway (place, devices) VALUES (?, ?) ON CONFLICT DO UPDATE SET devices = excluded.devices",
            [(_text(place), json.dumps(sorted(devices))) for place, devices in changes.births.items()],
        )
        many("DELETE FROM owner WHERE device = ?", [(device,) for device in changes.owners])
        many(
            "INSERT INTO owner VALUES (?, ?)",
            [(device, _text(owner)) for device, owner in changes.owners.items() if owner is not None],
        )
        many(
            "INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?)",
            [(device, *mark) for device, mark in changes.marks.items()],
        )
        many("INSERT INTO unreadable (digest) VALUES (?)", [(digest,) for digest in changes.unreadable])
        if changes.unreadable:
            oldest = "SELECT max(number) FROM unreadable"
            self._database.execute(f"DELETE FROM unreadable WHERE number <= ({oldest}) - {UNREADABLE_KEPT}")  # noqa: S608

    def _remembered(self) -> Remembered:
        read = self._database.execute
        remembered = Remembered(
            marks={device: Mark(*mark) for device, *mark in read("SELECT * FROM mark")},
            owners={device: _place(owner) for device, owner in read("SELECT * FROM owner")},
            unreadable=[digest for (digest,) in read("SELECT digest FROM unreadable ORDER BY number")],
        )
        for place, epoch, pairs in read("SELECT * FROM received"):
            remembered.received[_place(place), epoch] = tuple((first, last) for first, last in json.loads(pairs))
        for place, epoch, devices in read("SELECT * FROM gateway"):
            if epoch is not None:
                remembered.current[_place(place)] = epoch
            if devices is not None:
                remembered.births[_place(place)] = frozenset(json.loads(devices))
        return remembered

    def _position(self) -> Position | None:
        row = self._database.execute("SELECT inode, size FROM dead_letters").fetchone()
        return Position(*row) if row is not None else None


def _text(place: Place) -> str:
    return f"{place.district}/{place.town}/{place.village}/{place.gateway}"


def _place(text: str) -> Place:
    return Place(*text.split("/"))
