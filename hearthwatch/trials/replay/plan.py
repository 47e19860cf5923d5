"""What a replay is to judge: which devices, by village, over which time."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from hearthwatch.base.errors import UsageError
from ingest.store import ReadingStore, StoredReading, StoreSettings
from rules.document.rule import Rule
from rules.readings.season import Season
from wire.topics import GatewayPath
from wire.units import HOUR_MS, SECOND_MS

_BLOCK_DEVICES: Final = 2_000
"""So many devices are judged together, if every process has as many: the rules are fast on many
rows at once."""

_LOOKED_AT_MS: Final = (
    2 * HOUR_MS
)  # the newest readings, from which a gateway's poll interval is taken
DEFAULT_INTERVAL_MS: Final = 30_000  # contract §9


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole villages: the place of each device, and the poll interval of each gateway in
    ms."""

    places: Mapping[str, GatewayPath]
    intervals: Mapping[GatewayPath, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """What all blocks share: readings are judged in `begin <= at < until`, alerts count from
    `since` (UTC ms).

    `against` are the rules to compare with, those alone that differ; None without a comparison.
    `silence` says whether the rules over silence are judged too.
    """

    store: StoreSettings
    rules: Sequence[Rule]
    against: Sequence[Rule] | None
    season: Season
    begin: int
    since: int
    until: int
    silence: bool


def find_devices(
    store: ReadingStore, villages: Collection[str], devices: Collection[str]
) -> dict[str, StoredReading]:
    """The newest reading of each device wanted, by id; all where nothing is named.

    A village is named by its id or as `town/village`. Raises UsageError for one that the store does
    not know, and StoreUnavailable.
    """
    newest = store.latest()
    known = {name for one in newest.values() for name in village_names(one.place)}
    for option, wanted, there in (
        ("--village", villages, known),
        ("--device", devices, newest.keys()),
    ):
        missing = [name for name in wanted if name not in there]
        if missing:
            raise UsageError(f"{option}: the reading store has nothing of {', '.join(missing)}")
    return {
        device: one
        for device, one in sorted(newest.items())
        if (not villages or not village_names(one.place).isdisjoint(villages))
        and (not devices or device in devices)
    }


def village_names(place: GatewayPath) -> set[str]:
    """How the village of a place may be called."""
    return {place.village, village_of(place)}


def village_of(place: GatewayPath) -> str:
    """The village as it is shown: its id is unique in its town alone."""
    return f"{place.town}/{place.village}"


def blocks(store: ReadingStore, found: Mapping[str, StoredReading], workers: int) -> list[Block]:
    """The devices by whole villages, for rules look at neighbours, for so many processes; raises
    StoreUnavailable."""
    villages: dict[tuple[str, str, str], dict[str, GatewayPath]] = {}
    for device, one in found.items():
        place = one.place
        villages.setdefault((place.district, place.town, place.village), {})[device] = place
    intervals = _intervals(store, found.values())
    size = min(_BLOCK_DEVICES, -(-len(found) // workers))
    cut = _joined(villages.values(), size)
    return [Block(places, {at: intervals[at] for at in places.values()}) for places in cut]


def _joined(villages: Iterable[dict[str, GatewayPath]], size: int) -> list[dict[str, GatewayPath]]:
    joined: list[dict[str, GatewayPath]] = []
    for village in villages:
        if joined and len(joined[-1]) < size:
            joined[-1] |= village
        else:
            joined.append(dict(village))
    return joined


def _intervals(store: ReadingStore, newest: Iterable[StoredReading]) -> dict[GatewayPath, int]:
    """The poll interval of each gateway, from the newest readings of one of its devices."""
    intervals: dict[GatewayPath, int] = {}
    for one in newest:
        if one.place not in intervals:
            at = one.reading.at
            recent = store.history(one.reading.device, at - _LOOKED_AT_MS, at + 1)
            intervals[one.place] = interval_of([stored.reading.at for stored in recent])
    return intervals


def interval_of(times: Sequence[int]) -> int:
    """The usual time between readings at `times`, in whole seconds; 30 s where there are too few to
    tell."""
    if len(times) < 2:
        return DEFAULT_INTERVAL_MS
    usual = median(later - earlier for earlier, later in pairwise(times))
    return max(SECOND_MS, round(usual / SECOND_MS) * SECOND_MS)
