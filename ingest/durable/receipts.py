"""The receipts: what ingest has received, in its own small SQLite file, one transaction per batch.

The commit is the moment a batch counts: before it, its messages come again and are judged again;
after it, they are duplicates.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from configuration.load import ConfigurationError, ConfigurationProblem
from ingest.durable.dead_letter_file import FileEnd
from ingest.reception.device_registry import UNREADABLE_KEPT, NewestReading, Remembered
from ingest.reception.tally import Tallies
from ingest.store.model import StoreUnavailable
from ingest.store.sqlite.file import BUSY_S, advice, open_database
from wire.topics import GatewayPath

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
CREATE TABLE IF NOT EXISTS tally (
  place TEXT, name TEXT, count INTEGER NOT NULL, PRIMARY KEY (place, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heard (place TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subscription (filter TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class Receipts:
    """Loads what is remembered and commits what changed."""

    def __init__(self, path: Path) -> None:
        """Open `path`, making it where it is missing; raises ConfigurationError where it cannot be
        used."""
        self._path = path
        self._database = open_database(path, _SCHEMA)

    def load(self) -> tuple[Remembered, FileEnd | None]:
        """Everything remembered, and the committed end of the dead-letter file; raises
        ConfigurationError."""
        with _explained(self._path):
            return _remembered(self._database), _position(self._database)

    def subscribe(self, filters: Iterable[str]) -> frozenset[str]:
        """Remember the topic filters of this run; returns those of former runs, which the broker
        may still serve.

        Raises ConfigurationError.
        """
        with _explained(self._path), self._database:
            known = {one for (one,) in self._database.execute("SELECT filter FROM subscription")}
            wanted = set(filters)
            self._database.executemany(
                "INSERT INTO subscription VALUES (?)", [(one,) for one in wanted - known]
            )
        return frozenset(known - wanted)

    def commit(self, changes: Remembered, tallies: Tallies, dead_letters: FileEnd) -> None:
        """Commit a batch and its counts; raises StoreUnavailable, and then nothing of it is
        committed."""
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
        many = self._database.executemany
        many(
            "INSERT OR REPLACE INTO received VALUES (?, ?, ?)",
            [
                (_text(place), epoch, json.dumps(pairs))
                for (place, epoch), pairs in changes.received.items()
            ],
        )
        many(
            "INSERT INTO gateway (place, epoch) VALUES (?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch",
            [(_text(place), epoch) for place, epoch in changes.current.items()],
        )
        many(
            "INSERT INTO gateway (place, devices) VALUES (?, ?) ON CONFLICT DO UPDATE SET devices = excluded.devices",
            [
                (_text(place), json.dumps(sorted(devices)))
                for place, devices in changes.births.items()
            ],
        )
        many("DELETE FROM owner WHERE device = ?", [(device,) for device in changes.owners])
        many(
            "INSERT INTO owner VALUES (?, ?)",
            [
                (device, _text(owner))
                for device, owner in changes.owners.items()
                if owner is not None
            ],
        )
        many(
            "INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?)",
            [(device, *mark) for device, mark in changes.marks.items()],
        )
        many(
            "INSERT INTO unreadable (digest) VALUES (?)",
            [(digest,) for digest in changes.unreadable],
        )
        if changes.unreadable:
            oldest = "SELECT max(number) FROM unreadable"
            self._database.execute(
                f"DELETE FROM unreadable WHERE number <= ({oldest}) - {UNREADABLE_KEPT}"  # noqa: S608 - columns of our own
            )

    def _count(self, tallies: Tallies) -> None:
        many = self._database.executemany
        many(
            "INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [
                (_text(place), name, count)
                for place, counts in tallies.counts.items()
                for name, count in counts.items()
                if count
            ],
        )
        many(
            "INSERT OR REPLACE INTO heard VALUES (?, ?)",
            [(_text(place), at) for place, at in tallies.heard.items()],
        )


def read_receipts(path: Path) -> tuple[Remembered, Tallies]:
    """Everything in the receipts at `path` as of its last commit, read while ingest may be running.

    Raises ConfigurationError where there is none or it cannot be read.
    """
    if not path.exists():
        raise ConfigurationError(
            [
                ConfigurationProblem(
                    path, "", "there is no such file: has ingest run with this configuration?"
                )
            ]
        )
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with _explained(path), closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as database:
        database.execute("BEGIN")  # one snapshot for all that follows
        return _remembered(database), _tallies(database)


def read_committed_end(path: Path) -> FileEnd | None:
    """The committed end of the dead-letter file in the receipts at `path`, None where there is none.

    Raises ConfigurationError where the receipts cannot be read.
    """
    if not path.exists():
        return None
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with _explained(path), closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as database:
        return _position(database)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, ValueError) as error:
        raise ConfigurationError(
            [ConfigurationProblem(path, "", f"{error}; {advice(error)}")]
        ) from error


def _remembered(database: sqlite3.Connection) -> Remembered:
    read = database.execute
    remembered = Remembered(
        marks={device: NewestReading(*mark) for device, *mark in read("SELECT * FROM mark")},
        owners={device: _place(owner) for device, owner in read("SELECT * FROM owner")},
        unreadable=[digest for (digest,) in read("SELECT digest FROM unreadable ORDER BY number")],
    )
    for place, epoch, pairs in read("SELECT * FROM received"):
        remembered.received[_place(place), epoch] = tuple(
            (first, last) for first, last in json.loads(pairs)
        )
    for place, epoch, devices in read("SELECT * FROM gateway"):
        if epoch is not None:
            remembered.current[_place(place)] = epoch
        if devices is not None:
            remembered.births[_place(place)] = frozenset(json.loads(devices))
    return remembered


def _tallies(database: sqlite3.Connection) -> Tallies:
    tallies = Tallies()
    for place, name, count in database.execute("SELECT * FROM tally"):
        tallies.counts.setdefault(_place_or_none(place), Counter())[name] = count
    for place, at in database.execute("SELECT * FROM heard"):
        tallies.heard[_place_or_none(place)] = at
    return tallies


def _position(database: sqlite3.Connection) -> FileEnd | None:
    row = database.execute("SELECT inode, size FROM dead_letters").fetchone()
    return FileEnd(*row) if row is not None else None


def _text(place: GatewayPath | None) -> str:
    """A gateway as the key of its rows; empty for messages whose topic names none."""
    return (
        f"{place.district}/{place.town}/{place.village}/{place.gateway}"
        if place is not None
        else ""
    )


def _place(text: str) -> GatewayPath:
    return GatewayPath(*text.split("/"))


def _place_or_none(text: str) -> GatewayPath | None:
    return _place(text) if text else None
