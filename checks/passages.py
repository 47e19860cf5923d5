"""The parts of a file where citations may stand: comments and strings, or the whole of a document.

A citation may break over lines, so that a passage is one line of text that knows where each of
its parts came from.
"""

import io
import re
import tokenize
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_COMMENT_MARK: Final = re.compile(r"^\s*(#+|//+|/?\*+|--|<!--)?\s*")
_STRINGS: Final = frozenset(
    number
    for number, name in tokenize.tok_name.items()
    if name in {"STRING", "FSTRING_MIDDLE", "COMMENT"}
)


@dataclass(frozen=True)
class Passage:
    """Text on one line. `offsets[i]` is where the part from line `lines[i]` begins."""

    text: str
    offsets: tuple[int, ...]
    lines: tuple[int, ...]

    def line(self, offset: int) -> int:
        """Return the line of the file that the character at `offset` stands on, counted from 1."""
        return self.lines[bisect_right(self.offsets, offset) - 1]


def passages(path: Path, text: str) -> list[Passage]:
    """Return the passages of a file; `text` is its content."""
    if path.suffix == ".py":
        return _of_python(text)
    if path.suffix == ".json":
        text = text.replace("\\n", " ")
    return [_joined(list(enumerate(text.splitlines(), start=1)))]


def _of_python(text: str) -> list[Passage]:
    result = []
    comments: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _STRINGS:
            continue
        line = token.start[0]
        if token.type != tokenize.COMMENT:
            result.append(_joined(list(enumerate(token.string.splitlines(), start=line))))
            continue
        if comments and comments[-1][0] != line - 1:
            result.append(_joined(comments))
            comments = []
        comments.append((line, token.string))
    return [*result, _joined(comments)]


def _joined(numbered: list[tuple[int, str]]) -> Passage:
    parts = [_COMMENT_MARK.sub("", line).rstrip() for _, line in numbered]
    offsets = []
    length = 0
    for part in parts:
        offsets.append(length)
        length += len(part) + 1
    return Passage(" ".join(parts), tuple(offsets), tuple(number for number, _ in numbered))
