"""Why the ticket database does not work, in one sentence for the operator. Pure."""

from typing import Final

_ANY_REMEDY: Final = "check [tickets] url, and that the database server runs"
_REMEDIES: Final[dict[str, str]] = {
    "password authentication failed": "check [tickets] password_file and the user in url",
    "no password supplied": "name the file of the password in [tickets] password_file",
    "Connection refused": "start the database server, or correct host and port in [tickets] url",
    "does not exist": "create it with createdb, or correct [tickets] url",
    "permission denied": "let this user create tables: GRANT ALL ON SCHEMA public",
    "unable to open database file": "give the folder to the user of the services",
    "readonly database": "give the file and its folder to the user of the services",
    "database is locked": "another program holds the file for too long; end it",
    "not a database": "the file is something else; name another in [tickets] url",
    "malformed": "the file is damaged; put a backup back (hearthwatch restore)",
}


def explained(error: Exception) -> str:
    """Return a sentence for an error of SQLAlchemy or of a database driver, and what to do."""
    reason = str(getattr(error, "orig", None) or error).strip()
    remedy = next((advice for part, advice in _REMEDIES.items() if part in reason), _ANY_REMEDY)
    return f"the ticket database does not work: {_first_line(reason)}; {remedy}"


def _first_line(reason: str) -> str:
    """Drivers repeat themselves for every address of a host, and add advice of their own."""
    return reason.splitlines()[0].rstrip(":,. ") if reason else "no reason given"
