"""Lines of the audit log, and whether it is whole, as people read them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final

from desk.audit.entry import AuditEntry, ChainVerdict

if TYPE_CHECKING:
    from rich.table import Table

_HOW: Final = {
    "missing": "lines before line {id} are missing, or line {id} was put in",
    "changed": "line {id} was changed",
    "expired": "line {id} went with the lines that are too old; give --known a younger line",
    "cut": "the newest lines are gone: line {id} was there",
}


def audit_table(entries: Sequence[AuditEntry], zone: tzinfo) -> "Table":
    """Return a table, a line each; times in `zone`, what is missing empty."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("id", "at", "who", "from", "what", "about", "changed"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        at = datetime.fromtimestamp(entry.at / 1_000, zone).strftime("%Y-%m-%d %H:%M:%S")
        cells = (str(entry.id), at, entry.who, entry.address or "", entry.what, entry.subject or "")
        table.add_row(*cells, _changed(entry.before, entry.after))
    return table


def verdict_text(verdict: ChainVerdict) -> str:
    """Return a sentence: whole, with the newest line's id and hash; or where it breaks."""
    if verdict.broken is not None:
        return f"NOT WHOLE: {_HOW[verdict.broken.how].format(id=verdict.broken.id)}"
    return f"whole: {verdict.lines} lines; keep {verdict.newest}:{verdict.head}"


def _changed(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    return "; ".join(f"{name} {_step(name, before, after)}" for name in after or before or {})


def _step(name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    was, is_now = (None if state is None else state.get(name) for state in (before, after))
    if after is None:
        return f"{_short(was)} → removed"
    return (
        _short(is_now) if before is None or was == is_now else f"{_short(was)} → {_short(is_now)}"
    )


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
