"""Text of others for a log or a terminal: no character in it can steer what shows it.

An escape sequence clears a screen or renames a window, a line break forges a line of a log, and a
mark of direction turns words round. Each such character is replaced by its escape, such as `\\x1b`,
so that a reader still sees that it was there.
"""

import json
import unicodedata
from collections.abc import Callable


def printable(text: str) -> str:
    """Return `text` as one line: control, format and separating characters become escapes."""
    return _replaced(text, lambda character: character.encode("unicode_escape").decode())


def printable_lines(text: str) -> str:
    """As `printable`, but line breaks stay."""
    return "\n".join(printable(line) for line in text.split("\n"))


def printable_json(document: object) -> str:
    """Return `document` as JSON on one line: the same document, its texts escaped as in JSON."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return _replaced(text, lambda character: json.dumps(character)[1:-1])


def _replaced(text: str, escape: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(
        character if _is_harmless(character) else escape(character) for character in text
    )


def _is_harmless(character: str) -> bool:
    """Whether it can be shown; the wide space of Chinese texts can."""
    return character.isprintable() or unicodedata.category(character) == "Zs"
