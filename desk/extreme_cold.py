"""The extreme-cold mode as a person confirmed it (requirements R20).

One row: a server serves one district.
"""

from typing import Any, Final

from sqlalchemy.orm import Session

from desk.database.tables import ExtremeColdRow

_THE_ROW: Final = 1


def confirm(session: Session, since: int, until: int, by: str, now: int) -> None:
    """Let the mode hold from `since` to `until` (UTC ms); a second time gives it new times."""
    row = ExtremeColdRow(id=_THE_ROW, since=since, until=until, by=by, confirmed_at=now)
    session.merge(row)


def end(session: Session, now: int) -> None:
    """End it now; ending it twice changes nothing."""
    row = session.get(ExtremeColdRow, _THE_ROW)
    if row is not None:
        row.until = min(row.until, now)


def is_extreme_cold(session: Session, now: int) -> bool:
    """Whether the mode holds at `now`."""
    row = session.get(ExtremeColdRow, _THE_ROW)
    return row is not None and row.since <= now < row.until


def confirmed_document(session: Session, now: int) -> dict[str, Any] | None:
    """The mode as confirmed, also before it begins; None where it is over or never was."""
    row = session.get(ExtremeColdRow, _THE_ROW)
    if row is None or row.until <= now:
        return None
    return {
        "from": row.since,
        "until": row.until,
        "by": row.by,
        "confirmed_at": row.confirmed_at,
    }
