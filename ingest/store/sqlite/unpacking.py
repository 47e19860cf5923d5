"""Packed hours as arrays: a column of many blocks is taken apart at once (see `packing` for what a
text holds)."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ingest.store.sqlite.packing import GRID

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_CHARACTERS: Final = ("utf-32-le", np.dtype("<u4"))
_MISSING: Final = 1
_FIRST_CODE: Final = 2


def unpacked_whole(column: Sequence[Any], lengths: Ints) -> Ints:
    """`block.at` or `block.seq` of blocks of so many readings: a value for each reading, block
    after block."""
    values = np.repeat(
        np.array([0 if type(one) is str else one for one in column], np.int64), lengths
    )
    in_text = _in_text(column)
    if in_text.any():
        values[np.repeat(in_text, lengths)] = _taken_apart(column, lengths[in_text])[0]
    return values


def unpacked_point(column: Sequence[Any], lengths: Ints) -> Floats:
    """The same for a point, in its unit; NaN where it was not read."""
    values = np.repeat(
        np.array([None if type(one) is str else one for one in column], np.float64), lengths
    )
    in_text = _in_text(column)
    if in_text.any():
        counts, missing = _taken_apart(column, lengths[in_text])
        values[np.repeat(in_text, lengths)] = np.where(missing, np.nan, counts / GRID)
    return values


def _in_text(column: Sequence[Any]) -> NDArray[np.bool_]:
    return np.array([type(one) is str for one in column], np.bool_)


def _taken_apart(column: Sequence[Any], lengths: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """What the texts of `column`, of so many readings, count on the grid, and where they have no
    value."""
    texts = [one for one in column if type(one) is str]
    least = [
        int(text[1 : -1 - length]) for text, length in zip(texts, lengths.tolist(), strict=True)
    ]
    coding, kind = _CHARACTERS
    characters = np.frombuffer("".join(texts).encode(coding), kind)
    sizes = np.array([len(text) for text in texts], np.int64)
    ends = np.cumsum(sizes)
    steps = characters[ends - sizes].astype(np.int64)
    heads = ends - np.cumsum(lengths)  # the characters before a text's codes that are no codes
    codes = characters[np.arange(lengths.sum()) + np.repeat(heads, lengths)]
    counts = np.repeat(least - _FIRST_CODE * steps, lengths) + np.repeat(steps, lengths) * codes
    return counts, codes == _MISSING
