"""The place of a scope: an id or a path as somebody typed it, and the path that it means."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.accounts.scope import PLACES, Role
from desk.database.tables import GatewayRow


class ScopeRefusedError(ValueError):
    """A scope that names no known place, or several; the message names the candidates."""


def whole_path(session: Session, role: Role, scope: str) -> str:
    """Return the path from the district inwards of the place that `scope` names.

    Before any box has announced itself no place is known, and the scope stays as it is. Raises
    ScopeRefusedError.
    """
    columns = [getattr(GatewayRow, level) for level in reversed(PLACES[role])]
    known = sorted({"/".join(row) for row in session.execute(select(*columns).distinct())})
    if not known:
        return scope
    meant = [path for path in known if f"/{path}".endswith(f"/{scope}")]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise ScopeRefusedError(f"{scope} is several places; say which: {', '.join(meant)}")
    if scope.count("/") == len(columns) - 1 and len(columns) > 1:
        return scope  # the whole path of a place whose boxes are still to come
    names = ", ".join(known[:10]) + (" …" if len(known) > 10 else "")
    whole = "/".join(reversed(PLACES[role]))
    message = f"no {role} {scope} is known; there are {names}; for a new one give {whole}"
    raise ScopeRefusedError(message)
