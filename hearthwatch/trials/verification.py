"""`verify`: what a system recorded, compared with the simulator's ground truth."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from alerts.rulebook import load_rules
from alerts.store.queries import list_alerts
from configuration.load import ConfigurationError, ConfigurationProblem
from desk.accounts.scope import Scope
from desk.database.engine import open_database, reading
from desk.tickets.queries import list_tickets
from hearthwatch.run.server_settings import ServerSettings
from ingest.durable.receipts import Receipts
from ingest.store import ReadingStore, open_store
from rules.document.rule import Rule
from simulators.live.truth import read_truth
from simulators.verify import RecordedReading, Verification, VerificationLimits, verify

_PAGE: Final = 1_000
_EVERYTHING: Final = Scope("district")

Document = dict[str, Any]


def verify_system(truth: Path, settings: ServerSettings) -> Verification:
    """Compare `truth` (JSON lines) with the stores that `settings` name.

    Raises ConfigurationError if `truth` cannot be read.
    """
    store = open_store(settings.store)
    try:
        alerts, tickets = _alerts_and_tickets(settings)
        return verify(
            _truth_lines(truth),
            _stored(store),
            _gaps(settings.ingest.state),
            alerts,
            tickets,
            limits_of(load_rules(settings.rules)),
        )
    finally:
        store.close()


def _truth_lines(path: Path) -> Iterator[Document]:
    try:
        yield from read_truth(path)
    except OSError as error:
        raise ConfigurationError(
            [ConfigurationProblem(path, "", error.strerror or str(error))]
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            [ConfigurationProblem(path, "", f"a line is not JSON: {error}")]
        ) from error


def _stored(store: ReadingStore) -> Iterator[RecordedReading]:
    for stored in store.since(0):
        reading = stored.reading
        yield RecordedReading(
            reading.device, reading.at, reading.state, reading.faults, reading.values
        )


def _gaps(receipts: Path) -> dict[tuple[str, str], list[int]]:
    """Return the message numbers below the last received that are missing, by gateway and epoch."""
    opened = Receipts(receipts)
    try:
        remembered, _ = opened.load()
    finally:
        opened.close()
    return {
        (gateway.gateway, epoch): missing
        for (gateway, epoch), intervals in remembered.received.items()
        if (missing := missing_numbers(intervals))
    }


def missing_numbers(intervals: tuple[tuple[int, int], ...]) -> list[int]:
    """Return the numbers from 1 to the last received that are in none of `intervals`.

    The intervals are ascending, both ends included.
    """
    missing: list[int] = []
    expected = 1
    for first, last in intervals:
        missing += range(expected, first)
        expected = last + 1
    return missing


def _alerts_and_tickets(settings: ServerSettings) -> tuple[list[Document], list[Document]]:
    database = open_database(settings.tickets.address)
    try:
        with reading(database) as session:
            return (
                _all(lambda cursor: list_alerts(session, _EVERYTHING, limit=_PAGE, cursor=cursor)),
                _all(lambda cursor: list_tickets(session, _EVERYTHING, limit=_PAGE, cursor=cursor)),
            )
    finally:
        database.dispose()


def _all(page: Callable[[str | None], Document]) -> list[Document]:
    items: list[Document] = []
    cursor: str | None = None
    while True:
        answer = page(cursor)
        items += answer["items"]
        cursor = answer["next"]
        if cursor is None:
            return items


def limits_of(rules: list[Rule]) -> VerificationLimits:
    """Return the limits that decide which alerts were due, from the rules the system ran with."""
    numbers: dict[str, Any] = {}
    for rule in rules:
        wanted = _NUMBERS.get(rule.id, {})
        numbers |= {name: getattr(rule, field) for name, field in wanted.items()}
    return VerificationLimits(**numbers)


# By rule: the field of VerificationLimits, and the field of the rule that it comes from.
_NUMBERS: Final[dict[str, dict[str, str]]] = {
    "low_room_temperature": {
        "low_room_c": "limit",
        "low_room_deadband_k": "deadband",
        "low_room_on_delay_ms": "on_delay_ms",
    },
    "fault": {"fault_off_readings": "clear_readings"},
    "device_offline": {"device_offline_ms": "at_least_ms"},
    "gateway_offline": {"gateway_offline_ms": "at_least_ms", "last_will_ms": "last_will_delay_ms"},
}
