"""Finished hours of one device as blocks: one short text per column instead of a row per reading
(docs/decisions/0010).

A column whose value does not change in the block is that value. Any other is a text of three parts:

* one character whose code is the step,
* the least value in decimal digits, and a colon,
* one character for each reading, whose code is 2 + (value − least) ÷ step, or 1 where there is no value.

`reading.at` and `reading.seq` count in whole numbers, points in three-thousandths of their unit.
That grid holds every decimal down to a thousandth and every sixtieth (L/min from m³/h) exactly: k ÷
3000 is the very float that was stored. What is off the grid becomes a block of its own, in which
nothing changes. SQL takes the texts apart again (`sqlite_schema.unpacked`), so the view `reading`
needs no code of ours.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import gcd
from operator import itemgetter
from typing import Any, Final

GRID: Final = 3_000
LONGEST: Final = 256
"""Readings in one block; the table `position` has as many rows."""

# The largest step; a divisor of any greater one, and none of its own divisors is a surrogate, which
# is no character.
_STEP: Final = 600_000
_FIRST_CODE: Final = 2
_MISSING: Final = "\1"
_LAST_CODE: Final = 0xD7FF  # the last character before the surrogates
_MOST_STEPS: Final = _LAST_CODE - _FIRST_CODE

Row = tuple[Any, ...]
"""A row of the table `recent`: device, at, gateway, state, faults, epoch, seq, one value per point,
bad."""


_SHARED: Final = itemgetter(2, 3, 4, 5, -1)


class _DoesNotFitError(Exception):
    """A column is off the grid, or its values are too far apart for one character each."""


def blocks(rows: Sequence[Row]) -> Iterator[Row]:
    """Rows of the table `block` for one device's `rows` of one hour, in time order.

    A new block begins where gateway, state, faults, epoch or bad change.
    """
    for _, alike in groupby(rows, _SHARED):
        same = list(alike)
        for begin in range(0, len(same), LONGEST):
            yield from _fitting(same[begin : begin + LONGEST])


def _fitting(rows: Sequence[Row]) -> list[Row]:
    """`rows` as one block, or halved until each half fits; a single reading always does."""
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
    """`values` as one text, or the value they share. Sensors repeat themselves: each distinct value
    is coded once."""
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
