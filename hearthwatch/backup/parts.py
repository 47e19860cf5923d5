"""The parts of a district's state: files of this machine, and databases that have tools of their
own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy.engine import URL, make_url

from alerts.snapshot import SNAPSHOT_NAME
from hearthwatch.base.resources import shipped_rule_files
from hearthwatch.run.server_settings import ServerSettings
from ingest.store.settings import InfluxAddress

Kind = Literal["sqlite", "file", "dead_letters"]


@dataclass(frozen=True, slots=True)
class StatePart:
    """One file to copy: its name in the backup, where it lies, and how it is copied."""

    name: str
    path: Path
    kind: Kind


@dataclass(frozen=True, slots=True)
class ForeignPart:
    """A database that this command does not copy: its address, and what to run instead."""

    name: str
    address: str
    back_up: tuple[str, ...]
    restore: tuple[str, ...]


RULE_STATE = SNAPSHOT_NAME
TICKETS = "tickets.db"
RECEIPTS = "ingest.db"
DEAD_LETTERS = "dead-letters.jsonl"
READINGS = "readings.db"
CONFIGURATION = "server.toml"
DEVICES = "devices.csv"
RULES = "rules/"


def state_parts(config: Path, settings: ServerSettings) -> list[StatePart]:
    """Return the files to copy, in this order.

    A copy that is made later may be newer, never older: the tickets newer than the rule state, the
    dead letters and readings newer than the receipts. After a restart the services expect that.
    """
    state: list[tuple[str, Path | None, Kind]] = [
        (RULE_STATE, settings.alerts.state / SNAPSHOT_NAME, "file"),
        (TICKETS, _sqlite_file(make_url(settings.tickets.url)), "sqlite"),
        (RECEIPTS, settings.ingest.state, "sqlite"),
        (DEAD_LETTERS, settings.store.dead_letters, "dead_letters"),
        (READINGS, target if isinstance(target := settings.store.target, Path) else None, "sqlite"),
        (CONFIGURATION, config, "file"),
        (DEVICES, settings.ingest.registered, "file"),
    ]
    parts = [StatePart(name, path, kind) for name, path, kind in state if path is not None]
    return parts + [
        StatePart(f"{RULES}{path.name}", path, "file") for path in _own_rules(settings.rules.files)
    ]


def is_configuration(name: str) -> bool:
    """Whether a part of a backup was written by people, not by the services."""
    return name in (CONFIGURATION, DEVICES) or name.startswith(RULES)


def foreign_parts(settings: ServerSettings) -> list[ForeignPart]:
    """Return the databases that have to be backed up with their own tools."""
    parts = []
    tickets, store = make_url(settings.tickets.url), settings.store.target
    if _sqlite_file(tickets) is None:
        parts.append(_postgresql(tickets))
    if isinstance(store, InfluxAddress):
        parts.append(_influxdb(store))
    return parts


def _postgresql(url: URL) -> ForeignPart:
    without = URL.create(
        url.get_backend_name(), url.username, None, url.host, url.port, url.database, url.query
    )
    address = without.render_as_string()
    return ForeignPart(
        TICKETS,
        address,
        back_up=(f"pg_dump --format=custom --file=tickets.dump {address}",),
        restore=(f"pg_restore --clean --if-exists --dbname={address} tickets.dump",),
    )


def _influxdb(store: InfluxAddress) -> ForeignPart:
    databases = (store.bucket, store.hourly_bucket)
    return ForeignPart(
        READINGS,
        f"{store.server}/{store.organisation}/{store.bucket}",
        back_up=(
            *(
                f"influxd backup -portable -database {name} influx/{name}/   # 1.x"
                for name in databases
            ),
            *(
                f"influx backup --org {store.organisation} --bucket {name} influx/{name}/   # 2.x"
                for name in databases
            ),
        ),
        restore=(
            *(f"influxd restore -portable -db {name} influx/{name}/   # 1.x" for name in databases),
            *(
                f"influx restore --org {store.organisation} --bucket {name} influx/{name}/   # 2.x"
                for name in databases
            ),
        ),
    )


def _sqlite_file(url: URL) -> Path | None:
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(url.database) if is_file and url.database else None


def _own_rules(files: Sequence[Path]) -> list[Path]:
    return sorted(set(files) - set(shipped_rule_files()))
