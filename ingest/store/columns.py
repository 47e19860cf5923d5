"""Stored readings as columns, for readers of whole seasons such as a replay of rules.

A store returns readings in runs: readings of one device that differ only in time, number and
values. A run is a packed block or a single row. Columns hold an index for each text of a run, and
the texts are kept once.
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
"""The levels of a gateway path, outermost first."""

_Text = TypeVar("_Text", bound=Hashable)
_STATE_NUMBERS: Final[Mapping[str, int]] = {state: number for number, state in enumerate(STATES)}


@dataclass(frozen=True, slots=True)
class Listed:
    """Texts that some readings list: row `rows[i]` lists `texts[numbers[i]]`; `rows` rise."""

    rows: Ints
    numbers: Ints
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class ReadingColumns:
    """n readings, a row each, by device in the order asked for, then by time.

    `device` are indices into `devices`, `gateway` into `gateways`, `epoch` into `epochs`, `state`
    into `wire.points.STATES`. `at` is event time (UTC ms), `seq` the message number in its epoch.
    `points` has a column for each point asked for, in its unit, NaN where it was not read.
    `faults` and `bad` are those of `wire.messages.Reading`, in their order.
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
    """Some runs of a store: the shared texts by run, and the `lengths` of the runs in readings.

    `faults` and `bad` are joined by commas. `at`, `seq` and each column of `points` have a row for
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
    """Return the readings of `parts` with `start <= at < end`; all parts are of `devices`."""
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
    """Return the rows in this range of time, by device, then by time; all rows if so already."""
    inside = (at >= start) & (at < end)
    later = (device[1:] > device[:-1]) | ((device[1:] == device[:-1]) & (at[1:] >= at[:-1]))
    if inside.all() and later.all():
        return slice(None)
    rows = np.flatnonzero(inside)
    return rows[np.lexsort((at[rows], device[rows]))]


def _numbered(texts: Iterable[_Text]) -> tuple[list[_Text], Ints]:
    """Return the distinct texts, and the index of each of `texts` among them."""
    numbers: dict[_Text, int] = {}
    which = [numbers.setdefault(text, len(numbers)) for text in texts]
    return list(numbers), np.array(which, np.int64)


def _listed(joined: Sequence[str], run: Ints) -> Listed:
    """Return the texts by row; `run` is the run of each row, `joined` the list of each run."""
    lists, which = _numbered(joined)
    parted = [text.split(",") if text else [] for text in lists]
    texts, numbers = _numbered(text for texts in parted for text in texts)
    sizes = np.array([len(texts) for texts in parted], np.int64)
    begins = (np.cumsum(sizes) - sizes)[which][run]
    size = sizes[which][run]
    rows = np.repeat(np.arange(len(run)), size)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(size) - size, size)
    return Listed(rows, numbers[np.repeat(begins, size) + within], texts)
