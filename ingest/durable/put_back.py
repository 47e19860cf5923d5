"""A store that was put back to an earlier state lacks readings that were acknowledged.

At the start, the receipts are compared with the store: what only they know is taken back, so that
a gateway that still has it sends it again. What a gateway has forgotten is found when its next
message names the watermark that it knows: the store is asked, and what it lacks is reported.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import structlog

from ingest.reception.claim import Claim, Gone
from ingest.reception.device_registry import NewestReading, Remembered
from ingest.store.model import ReadingStore, StoredReading
from wire.topics import GatewayPath
from wire.units import DAY_MS, HOUR_MS

_log = structlog.get_logger()

_ASKED_FIRST: Final = 20
# The reading before a gap is usually an interval away; a box may have been without power for days.
_REACH_MS: Final = (HOUR_MS, DAY_MS, 60 * DAY_MS)

Numbering = tuple[GatewayPath, str]
"""A gateway and an epoch of its journal."""


def take_back(remembered: Remembered, store: ReadingStore, since: int) -> Remembered:
    """Return `remembered` without what the store lacks; it keeps readings `since` (UTC ms).

    Twenty readings answer for all while the store is whole. Raises StoreUnavailable.
    """
    kept = {device: mark for device, mark in remembered.newest.items() if mark.at >= since}
    newest = heapq.nlargest(_ASKED_FIRST, kept.items(), key=lambda item: item[1].at)
    if all(store.history(device, mark.at, mark.at + 1) for device, mark in newest):
        return remembered
    latest = store.latest()
    behind = {device: mark for device, mark in kept.items() if _is_behind(mark, latest.get(device))}
    return _without(remembered, behind, latest)


def gone(store: ReadingStore, claims: Iterable[Claim]) -> list[Gone]:
    """Return which of the claimed messages the store does not hold; raises StoreUnavailable."""
    missing = [Gone(claim, max(claim.first, _stored_upto(store, claim) + 1)) for claim in claims]
    missing = [each for each in missing if each.messages > 0]
    for each in missing:
        _log.error(
            "readings_not_in_store",
            gateway=str(each.claim.gateway),
            epoch=each.claim.epoch,
            first=each.first,
            last=each.claim.last,
            advice="the store or the receipts were put back: restore a newer backup of the store",
        )
    return missing


def _is_behind(mark: NewestReading, stored: StoredReading | None) -> bool:
    return stored is None or stored.reading.at < mark.at


def _without(
    remembered: Remembered,
    behind: Mapping[str, NewestReading],
    latest: Mapping[str, StoredReading],
) -> Remembered:
    upto: dict[Numbering, int] = defaultdict(int)
    for stored in latest.values():
        numbering = stored.gateway, stored.epoch
        upto[numbering] = max(upto[numbering], stored.seq)
    received = dict(remembered.received)
    for numbering in _numberings(remembered, behind):
        received[numbering] = _up_to(received.get(numbering, ()), upto[numbering])
    newest = {device: mark for device, mark in remembered.newest.items() if device not in behind}
    newest |= {device: _mark(latest[device]) for device in behind if device in latest}
    if received != remembered.received:
        gateways = {gateway for gateway, _ in _numberings(remembered, behind)}
        _log.error("store_put_back", gateways=len(gateways), devices=len(behind))
    return replace(remembered, received=received, newest=newest)


def _numberings(remembered: Remembered, behind: Mapping[str, NewestReading]) -> set[Numbering]:
    owners = ((remembered.owners.get(device), mark.epoch) for device, mark in behind.items())
    return {(owner, epoch) for owner, epoch in owners if owner is not None}


def _up_to(pairs: Iterable[tuple[int, int]], upto: int) -> tuple[tuple[int, int], ...]:
    return tuple((first, min(last, upto)) for first, last in pairs if first <= upto)


def _mark(stored: StoredReading) -> NewestReading:
    return NewestReading(stored.epoch, stored.seq, stored.reading.at)


def _stored_upto(store: ReadingStore, claim: Claim) -> int:
    """The highest number up to `claim.last` that the store holds of the claim's devices."""
    for reach in _REACH_MS:
        numbers = [
            stored.seq
            for device in claim.devices
            for stored in store.history(device, claim.before - reach, claim.before)
            if stored.epoch == claim.epoch and stored.seq <= claim.last
        ]
        if numbers:
            return max(numbers)
    return 0
