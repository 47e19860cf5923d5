"""Held readings go to the store as soon as their device belongs to the gateway that sent them."""

from collections.abc import Mapping

import structlog

from configuration.outage_log import OutageLog
from ingest.durable.held_readings import HeldReadings
from ingest.reception.batch import MessageBatch
from ingest.reception.device_registry import DeviceRegistry, NewestReading
from ingest.reception.held import HeldReading, Holding
from ingest.reception.validation import out_of_order
from ingest.store.model import StoreUnavailable
from wire.topics import gateway_topic

_log = structlog.get_logger()


class Releases:
    """Makes batches of held readings; only the validating thread uses it.

    A row stays in the receipts until its batch is committed. `_taken` holds the highest number of
    each holding that is under way: no row is read twice.
    """

    def __init__(
        self,
        held: HeldReadings,
        registry: DeviceRegistry,
        most: int,
        root: str,
    ) -> None:
        """`most` readings go into a batch; `root` is the topic root."""
        self._held = held
        self._registry = registry
        self._most = most
        self._root = root
        self._taken: dict[Holding, int] = {}
        self._outage = OutageLog(_log, "held_readings_unreadable", "held_readings_readable")

    def are_due(self) -> bool:
        """Whether readings wait that may go to the store."""
        return bool(self._registry.releasable())

    def next_batch(self, now: int) -> MessageBatch:
        """Return the next readings that may go to the store, at server time `now` (UTC ms).

        It is empty while the receipts cannot be read: the readings wait there.
        """
        batch = MessageBatch()
        after = {holding: self._taken.get(holding, 0) for holding in self._registry.releasable()}
        for held in self._read(after):
            self._taken[held.holding] = held.number or 0
            topic = gateway_topic("telemetry", held.gateway, self._root)
            batch.release(held, admit_late(self._registry, held), topic, now)
        return batch

    def _read(self, after: Mapping[Holding, int]) -> list[HeldReading]:
        if not after:
            return []
        try:
            held = self._held.read(after, self._most)
        except StoreUnavailable as error:
            self._outage.lost(str(error))
            return []
        self._outage.back()
        return held


def admit_late(registry: DeviceRegistry, held: HeldReading) -> str | None:
    """Take a held reading, whose device now belongs to its gateway, as one that comes late.

    Returns the code of a reading out of order, None for one that goes to the store.
    """
    registry.release(held)
    device, at = held.reading.device, held.reading.at
    newest = registry.newest.get(device)
    code = out_of_order(newest, held.epoch, held.seq, at, "unseen")
    if code is None and (newest is None or at > newest.at):
        registry.advance(device, NewestReading(held.epoch, held.seq, at))
    return code
