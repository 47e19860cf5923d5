"""Documents that can be cited: their sections, numbered items and table rows."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from checks import tree

_HEADING: Final = re.compile(r"^(#+) (.*)$")
_FENCE: Final = re.compile(r"^\s*(```|~~~)")
_ELLIPSIS: Final = "…"


@dataclass(frozen=True)
class Heading:
    """A Markdown heading: the index of its line, its level (1 for `#`) and its text."""

    line: int
    level: int
    text: str


@dataclass(frozen=True)
class Document:
    """One Markdown document, by lines."""

    lines: tuple[str, ...]

    def section(self, number: str) -> str | None:
        """Return the text of section `number` (`11`, `20.7`), or None where there is none.

        `4.7` is the section whose heading begins with 4.7, or else item 7 of the numbered list
        in section 4.
        """
        under_heading = self._under_heading(number)
        if under_heading is not None or "." not in number:
            return under_heading
        parent, _, item = number.rpartition(".")
        section = self.section(parent)
        return None if section is None else _numbered_item(section, item)

    def has_row(self, first_cell: str) -> bool:
        """Whether a table of the document has a row whose first cell is `first_cell`."""
        row = re.compile(rf"^\|\s*{re.escape(first_cell)}\s*\|")
        return any(row.match(line) for line in self.lines)

    def text(self) -> str:
        """Return the whole document as one string."""
        return "\n".join(self.lines)

    def _under_heading(self, number: str) -> str | None:
        numbered = re.compile(rf"{re.escape(number)}(?![\d.]*\d)")
        all_headings = headings(self.lines)
        for heading in all_headings:
            if numbered.match(heading.text):
                end = next(
                    (
                        later.line
                        for later in all_headings
                        if later.line > heading.line and later.level <= heading.level
                    ),
                    len(self.lines),
                )
                return "\n".join(self.lines[heading.line : end])
        return None


def headings(lines: tuple[str, ...]) -> list[Heading]:
    """Return the headings of a Markdown document; lines inside code blocks are none."""
    result = []
    in_code = False
    for index, line in enumerate(lines):
        if _FENCE.match(line):
            in_code = not in_code
        heading = None if in_code else _HEADING.match(line)
        if heading:
            result.append(Heading(index, len(heading[1]), heading[2].strip()))
    return result


def quotes(text: str, words: str) -> bool:
    """Whether `text` holds the quoted `words`, without regard to case, marks and line breaks.

    An ellipsis stands for words left out: its two sides must occur in this order.
    """
    plain = _plain(text)
    start = 0
    for part in _plain(words).split(_ELLIPSIS):
        position = plain.find(part.strip(), start)
        if position < 0:
            return False
        start = position + len(part.strip())
    return True


def anchors(document: Document) -> frozenset[str]:
    """Return the anchors that links into the document may name, as code hosts make them."""
    return frozenset(_anchor(heading.text) for heading in headings(document.lines))


def read(path: Path) -> Document:
    """Read the document at `path`."""
    return Document(tuple(path.read_text(encoding="utf-8").splitlines()))


def citable(root: Path) -> dict[str, Document]:
    """Return the documents of `docs/` and `docs/domain/` by stem."""
    folders = (root / "docs", root / "docs" / "domain")
    return {
        path.name.removesuffix(".md"): read(path)
        for path in tree.files(root / "docs", ".md")
        if path.parent in folders
    }


def _numbered_item(section: str, number: str) -> str | None:
    start = re.compile(rf"^{re.escape(number)}\. ")
    another = re.compile(r"^(\d+\. |#|$)")
    lines = section.splitlines()
    for index, line in enumerate(lines):
        if start.match(line):
            rest = lines[index + 1 :]
            length = next((n for n, later in enumerate(rest) if another.match(later)), len(rest))
            return "\n".join([line, *rest[:length]])
    return None


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[`*]", "", text).split()).casefold()


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.casefold()).strip().replace(" ", "-")
