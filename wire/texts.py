"""Texts in messages: tokens that machines compare, and lines that people read (contract §3)."""

import re
from typing import Final

LONGEST_LINE: Final = 200
"""Characters of a line: of a name, a version or a reason."""

LONGEST_PROSE: Final = 2_000
"""Characters of the sentences of an alert."""

_TOKEN = re.compile(r"[A-Za-z0-9._-]{1,64}")


def is_token(text: str) -> bool:
    """Whether `text` may be an epoch or the id of a command: 1 to 64 plain characters."""
    return _TOKEN.fullmatch(text) is not None


def is_line(text: str, longest: int = LONGEST_LINE) -> bool:
    """Whether `text` is short and printable: no control character, no line break, no NUL."""
    return len(text) <= longest and text.isprintable()


def as_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Return `text` as a line: each unprintable character replaced, the end cut off."""
    printable = (
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for character in text[:longest]
    )
    return "".join(printable)
