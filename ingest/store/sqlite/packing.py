"""Finished hours of one device as blocks: a short text per column instead of a row per reading.

The format is that of docs/decisions/0010. A column with one value in the whole block is that value.
Any other column is a text of three parts:

* one character: its code is the step,
* the least value in decimal digits, and a colon,
* one character for each reading: its code is 2 + (value − least) ÷ step, or 1 for no value.

`reading.at` and `reading.seq` are integers; points count in three-thousandths of their unit. This
grid holds every thousandth and every sixtieth (L/min from m³/h) exactly: k ÷ 3000 is the stored
float itself. A value off the grid gets a block of its own with one value per column. SQL unpacks
the texts (`schema.unpacked`), so the view `reading` needs no code of ours.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import gcd
from operator import itemgetter
from typing import Any, Final

GRID: Final = 3_000
LONGEST: Final = 256
"""Readings in one block; the table `position` has as many rows."""

# The largest step: a divisor of all greater ones. None of its divisors is a surrogate, which is no
# character.
_STEP: Final = 600_000
_FIRST_CODE: Final = 2
_MISSING: Final = "\1"
_LAST_CODE: Final = 0xD7FF  # the last character before the surrogates
_MOST_STEPS: Final = _LAST_CODE - _FIRST_CODE

Row = tuple[Any, ...]
"""A row of `recent`: device, at, gateway, state, faults, epoch, seq, a value per point, bad."""

_SHARED: Final = itemgetter(2, 3, 4, 5, -1)


class _DoesNotFitError(Exception):
    """A column is off the grid, or its values are too far apart for one character each."""


def blocks(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield rows of the table `block` for one device's `rows` of one hour, in time order.

    A new block begins at each change of gateway, state, faults, epoch or bad.
    """
    for _, alike in groupby(rows, _SHARED):
        same = list(alike)
        for begin in range(0, len(same), LONGEST):
            yield from _fitting(same[begin : begin + LONGEST])


def _fitting(rows: Sequence[Row]) -> list[Row]:
    """Return `rows` as one block, or halved until each half fits; a single reading always fits."""
    try:
        return [_block(rows)]
    except _DoesNotFitError:
        half = len(rows) // 2
        return _fitting(rows[:half]) + _fitting(rows[half:])


def _block(rows: Sequence[Row]) -> Row:
    device, at, *same = rows[0][:6]
    _, times, *_ = columns = list(zip(*rows, strict=True))
    pace = (times[-1] - at) // max(1, len(rows) - 1)
    late = [time - at - index * pace for index, time in enumerate(times)]
    return (
        device,
        at,
        pace,
        len(rows),
        _column(late, 1),
        *same,
        _column(columns[6], 1),
        *[_column(values, GRID) for values in columns[7:-1]],
        rows[0][-1],
    )


def _column(values: Sequence[Any], grid: int) -> Any:
    """Return `values` as one text, or their common value."""
    # Sensors repeat themselves: each distinct value is coded once.
    distinct = set(values)
    if len(distinct) == 1:
        return values[0]
    counts = {value: round(value * grid) for value in distinct if value is not None}
    if grid > 1 and any(count / grid != value for value, count in counts.items()):
        raise _DoesNotFitError
    least, most = min(counts.values()), max(counts.values())
    step = gcd(_STEP, *[count - least for count in counts.values()])
    if most - least > step * _MOST_STEPS:
        raise _DoesNotFitError
    codes = {value: chr(_FIRST_CODE + (count - least) // step) for value, count in counts.items()}
    codes[None] = _MISSING
    return f"{chr(step)}{least}:" + "".join([codes[value] for value in values])
