"""Insertion of many rows: fifty in one step.

A step releases Python's lock once instead of once per row, so that the next batch is validated
meanwhile (docs/decisions/0014).
"""

import sqlite3
from functools import lru_cache
from typing import Any, Final

_ROWS_IN_A_STEP: Final = 50


def insert_rows(
    connection: sqlite3.Connection, insertion: str, width: int, values: list[Any]
) -> None:
    """Insert the rows of `width` columns whose values stand in `values`, row after row.

    `insertion` is the SQL before `VALUES`. Raises sqlite3.Error.
    """
    assert len(values) % width == 0, "a row lacks a value, and all rows after it would be wrong"
    step = width * _ROWS_IN_A_STEP
    whole = len(values) // step * step
    for begin in range(0, whole, step):
        connection.execute(
            _statement(insertion, width, _ROWS_IN_A_STEP), values[begin : begin + step]
        )
    rest = (values[begin : begin + width] for begin in range(whole, len(values), width))
    connection.executemany(_statement(insertion, width, 1), rest)


@lru_cache(maxsize=256)
def _statement(insertion: str, width: int, rows: int) -> str:
    row = f"({','.join('?' * width)})"
    return f"{insertion} VALUES {', '.join([row] * rows)}"
