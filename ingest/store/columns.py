"""Stored readings as columns, for those who want many of them: a replay of rules over a season, not
one household.

A store gives readings in runs, those of one device that are alike in everything but time, number
and values: a packed block, or a single row. What a run says once is said in columns by numbers, and
the texts stand beside them.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from wire.points import STATES
from wire.topics import GatewayPath

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Levels = tuple[str, str, str, str]
"""Those of a gateway path, outermost first."""

_Text = TypeVar("_Text", bound=Hashable)
_STATE_NUMBERS: Final[Mapping[str, int]] = {state: number for number, state in enumerate(STATES)}


@dataclass(frozen=True, slots=True)
class Listed:
    """Texts that some of the readings list: row `rows[i]` lists `texts[numbers[i]]`; `rows`
    rise."""

    rows: Ints
    numbers: Ints
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class ReadingColumns:
    """n readings, one per row: device by device in the order asked for, each device's in time
    order.

    `device` are indices into `devices`, `gateway` into `gateways`, `epoch` into `epochs`, `state` into
    `wire.points.STATES`. `at` is event time, UTC ms; `seq` the number of the message in its epoch.
    `points` has a column for each point asked for, in its unit, NaN where it was not read. `faults`
    and `bad` are as in `wire.messages.Reading`, in their order.
    """

    devices: Sequence[str]
    device: Ints
    at: Ints
    state: NDArray[np.int8]
    points: Mapping[str, Floats]
    faults: Listed
    bad: Listed
    gateways: Sequence[GatewayPath]
    gateway: Ints
    epochs: Sequence[str]
    epoch: Ints
    seq: Ints

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Runs:
    """Some runs as a store gives them: what the readings of each share, by run, and `lengths`, how
    many they are.

    `faults` and `bad` are joined by commas. `at`, `seq` and the columns `points` have a row for
    each reading, run after run.
    """

    levels: Sequence[Levels]
    devices: Sequence[str]
    states: Sequence[str]
    faults: Sequence[str]
    epochs: Sequence[str]
    bad: Sequence[str]
    lengths: Ints
    at: Ints
    seq: Ints
    points: Sequence[Floats]


def assemble(
    devices: Sequence[str], points: Sequence[str], start: int, end: int, parts: Sequence[Runs]
) -> ReadingColumns:
    """The readings of `parts` with `start <= at < end`, all of them of `devices`."""
    index = {device: number for number, device in enumerate(devices)}
    lengths = _ints([part.lengths for part in parts])
    run = np.repeat(np.arange(len(lengths)), lengths)
    device = np.array([index[name] for part in parts for name in part.devices], np.int64)[run]
    at = _ints([part.at for part in parts])
    rows = _wanted(device, at, start, end)
    run = run[rows]
    gateways, gateway = _numbered(levels for part in parts for levels in part.levels)
    epochs, epoch = _numbered(epoch for part in parts for epoch in part.epochs)
    state = np.array([_STATE_NUMBERS[name] for part in parts for name in part.states], np.int8)
    return ReadingColumns(
        devices=devices,
        device=device[rows],
        at=at[rows],
        state=state[run],
        points={
            name: _floats([part.points[number] for part in parts])[rows]
            for number, name in enumerate(points)
        },
        faults=_listed([faults for part in parts for faults in part.faults], run),
        bad=_listed([bad for part in parts for bad in part.bad], run),
        gateways=[GatewayPath(*levels) for levels in gateways],
        gateway=gateway[run],
        epochs=epochs,
        epoch=epoch[run],
        seq=_ints([part.seq for part in parts])[rows],
    )


def _ints(columns: Sequence[Ints]) -> Ints:
    filled = [column for column in columns if len(column)]
    return filled[0] if len(filled) == 1 else np.concatenate([np.zeros(0, np.int64), *filled])


def _floats(columns: Sequence[Floats]) -> Floats:
    filled = [column for column in columns if len(column)]
    return filled[0] if len(filled) == 1 else np.concatenate([np.zeros(0), *filled])


def _wanted(device: Ints, at: Ints, start: int, end: int) -> Ints | slice:
    """The rows in this range of time, by device, then by time; all where they stand so already."""
    inside = (at >= start) & (at < end)
    later = (device[1:] > device[:-1]) | ((device[1:] == device[:-1]) & (at[1:] >= at[:-1]))
    if inside.all() and later.all():
        return slice(None)
    rows = np.flatnonzero(inside)
    return rows[np.lexsort((at[rows], device[rows]))]


def _numbered(texts: Iterable[_Text]) -> tuple[list[_Text], Ints]:
    """The different ones of `texts`, and for each of them which of these it is."""
    numbers: dict[_Text, int] = {}
    which = [numbers.setdefault(text, len(numbers)) for text in texts]
    return list(numbers), np.array(which, np.int64)


def _listed(joined: Sequence[str], run: Ints) -> Listed:
    """What the readings list whose run is `run`, by row; `joined` are the lists of the runs."""
    lists, which = _numbered(joined)
    parted = [one.split(",") if one else [] for one in lists]
    texts, numbers = _numbered(text for one in parted for text in one)
    sizes = np.array([len(one) for one in parted], np.int64)
    begins = (np.cumsum(sizes) - sizes)[which][run]
    size = sizes[which][run]
    rows = np.repeat(np.arange(len(run)), size)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(size) - size, size)
    return Listed(rows, numbers[np.repeat(begins, size) + within], texts)
