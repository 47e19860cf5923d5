"""What to write instead of a name that nobody knows."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return `did you mean 'x'? known are x, y`, or the second half where nothing resembles."""
    names = list(known)
    close = get_close_matches(str(name), names, n=1)
    listed = f"known are {', '.join(names) or 'none'}"
    return f"did you mean {close[0]!r}? {listed}" if close else listed
