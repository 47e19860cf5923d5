"""Packed hours as arrays: a column of many blocks is unpacked at once (format: `packing`)."""

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
    """Unpack `block.at` or `block.seq`: a value for each reading, block after block.

    `lengths` are the readings of each block.
    """
    plain = [0 if type(value) is str else value for value in column]
    values = np.repeat(np.array(plain, np.int64), lengths)
    in_text = _in_text(column)
    if in_text.any():
        values[np.repeat(in_text, lengths)] = _unpacked(column, lengths[in_text])[0]
    return values


def unpacked_point(column: Sequence[Any], lengths: Ints) -> Floats:
    """Unpack a point in its unit, likewise; NaN where it was not read."""
    plain = [None if type(value) is str else value for value in column]
    values = np.repeat(np.array(plain, np.float64), lengths)
    in_text = _in_text(column)
    if in_text.any():
        counts, missing = _unpacked(column, lengths[in_text])
        values[np.repeat(in_text, lengths)] = np.where(missing, np.nan, counts / GRID)
    return values


def _in_text(column: Sequence[Any]) -> NDArray[np.bool_]:
    return np.array([type(value) is str for value in column], np.bool_)


def _unpacked(column: Sequence[Any], lengths: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Return the counts on the grid of the texts in `column`, and where there is no value."""
    texts = [value for value in column if type(value) is str]
    least = [
        int(text[1 : -1 - length]) for text, length in zip(texts, lengths.tolist(), strict=True)
    ]
    coding, kind = _CHARACTERS
    characters = np.frombuffer("".join(texts).encode(coding), kind)
    sizes = np.array([len(text) for text in texts], np.int64)
    ends = np.cumsum(sizes)
    steps = characters[ends - sizes].astype(np.int64)
    heads = ends - np.cumsum(lengths)  # the characters so far that are no codes
    codes = characters[np.arange(lengths.sum()) + np.repeat(heads, lengths)]
    counts = np.repeat(least - _FIRST_CODE * steps, lengths) + np.repeat(steps, lengths) * codes
    return counts, codes == _MISSING
