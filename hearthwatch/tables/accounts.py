"""Accounts and tokens, as tables for people."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.table import Table

_TIMES: Final = frozenset(("created", "expires", "last_used", "revoked"))


def holders_table(holders: Sequence[Mapping[str, Any]]) -> "Table":
    """Return a table of accounts or tokens, a row each; times in UTC, what is missing empty."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in holders[0] if holders else ("nobody yet",):
        table.add_column(name.replace("_", " "))
    for holder in holders:
        table.add_row(*(_text(name, value) for name, value in holder.items()))
    return table


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in _TIMES:
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
