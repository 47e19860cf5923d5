"""The devices of the reading store, cut into blocks of whole villages."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from hearthwatch.base.errors import UsageError
from ingest.store import ReadingStore, StoredReading
from wire.topics import GatewayPath
from wire.units import HOUR_MS, SECOND_MS

# The rules are fast on many rows at once: this many devices are evaluated together, unless
# processes would be left without work.
_BLOCK_DEVICES: Final = 2_000
# A gateway's poll interval is taken from its newest readings, as far back as this.
_RECENT_MS: Final = 2 * HOUR_MS
DEFAULT_INTERVAL_MS: Final = 30_000  # contract §9


@dataclass(frozen=True, slots=True)
class ReplayBlock:
    """Some whole villages: the gateway of each device, and each gateway's poll interval in ms."""

    places: Mapping[str, GatewayPath]
    intervals: Mapping[GatewayPath, int]


def find_devices(
    store: ReadingStore, villages: Collection[str], devices: Collection[str]
) -> dict[str, StoredReading]:
    """Return the newest reading of each device wanted, by device id; all if nothing is named.

    A village is named by its id or as `town/village`. Raises UsageError for a name that the store
    does not know, and StoreUnavailable.
    """
    newest = store.latest()
    known = {name for stored in newest.values() for name in _village_names(stored.gateway)}
    _check_names("--village", villages, known)
    _check_names("--device", devices, newest.keys())
    return {
        device: stored
        for device, stored in sorted(newest.items())
        if (not villages or not _village_names(stored.gateway).isdisjoint(villages))
        and (not devices or device in devices)
    }


def _check_names(option: str, wanted: Collection[str], known: Collection[str]) -> None:
    missing = [name for name in wanted if name not in known]
    if missing:
        raise UsageError(f"{option}: the reading store has nothing of {', '.join(missing)}")


def _village_names(gateway: GatewayPath) -> set[str]:
    return {gateway.village, village_of(gateway)}


def village_of(gateway: GatewayPath) -> str:
    """Return the village as `town/village`: a village id is unique within its town only."""
    return f"{gateway.town}/{gateway.village}"


def cut_blocks(
    store: ReadingStore, newest: Mapping[str, StoredReading], workers: int
) -> list[ReplayBlock]:
    """Return the devices in blocks of whole villages, because rules compare neighbours.

    There are at least `workers` blocks if there are enough villages. Raises StoreUnavailable.
    """
    villages: dict[tuple[str, str, str], dict[str, GatewayPath]] = {}
    for device, stored in newest.items():
        gateway = stored.gateway
        village = (gateway.district, gateway.town, gateway.village)
        villages.setdefault(village, {})[device] = gateway
    intervals = _intervals(store, newest.values())
    size = min(_BLOCK_DEVICES, -(-len(newest) // workers))
    return [
        ReplayBlock(places, {gateway: intervals[gateway] for gateway in places.values()})
        for places in _joined(villages.values(), size)
    ]


def _joined(villages: Iterable[dict[str, GatewayPath]], size: int) -> list[dict[str, GatewayPath]]:
    joined: list[dict[str, GatewayPath]] = []
    for village in villages:
        if joined and len(joined[-1]) < size:
            joined[-1] |= village
        else:
            joined.append(dict(village))
    return joined


def _intervals(store: ReadingStore, newest: Iterable[StoredReading]) -> dict[GatewayPath, int]:
    """Return each gateway's poll interval, from the newest readings of one of its devices."""
    intervals: dict[GatewayPath, int] = {}
    for stored in newest:
        if stored.gateway not in intervals:
            at = stored.reading.at
            recent = store.history(stored.reading.device, at - _RECENT_MS, at + 1)
            intervals[stored.gateway] = interval_of([each.reading.at for each in recent])
    return intervals


def interval_of(times: Sequence[int]) -> int:
    """Return the usual time between readings at `times` (ms), in whole seconds as ms.

    Fewer than two times give the default of 30 s.
    """
    if len(times) < 2:
        return DEFAULT_INTERVAL_MS
    usual = median(later - earlier for earlier, later in pairwise(times))
    return max(SECOND_MS, round(usual / SECOND_MS) * SECOND_MS)
