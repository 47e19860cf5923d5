"""Every citation in code, configuration and documents resolves.

A citation is the stem of a file in docs/ or docs/domain/ and a place in it: `contract §11`,
`physics §20.1, §20.7`, `features row 7`, `requirements R20`, `rules-and-faults "COP"`. A whole
document is cited by its path. Paths of modules, other paths in backticks and links between
documents are followed too. References to standards of others, such as `NIST SP 800-63B §5.1.1.2`,
are not.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from checks import documents, tree
from checks.documents import Document
from checks.passages import Passage, passages

_SUFFIXES: Final = (
    *(".py", ".md", ".toml", ".json", ".yaml", ".yml", ".sh", ".js", ".css", ".html"),
    *(".conf", ".service", ".txt", "Makefile", "Dockerfile"),
)
# These files hold wrong citations on purpose.
_LEFT_OUT: Final = "tests/checks/"

_SECTIONS: Final = r"§\d+(?:\.\d+)*(?:(?:, | and | to )§\d+(?:\.\d+)*)*"
_ROWS: Final = r"row \d+|rows \d+(?:(?:, | and )\d+)+"
_REQUIREMENTS: Final = r"R\d+(?:(?:, | and )R\d+)*"
_QUOTES: Final = r'"[^"]+"(?:(?:, | and )"[^"]+")*'
# The word before the section sign of another's document, such as V1.02, 63B or limits.html.
_OUTSIDE: Final = re.compile(r"\d|\w\.\w")
_SECTION_SIGN: Final = re.compile(r"§\d+(?:\.\d+)*")
_DOCUMENT_PATH: Final = re.compile(r"(?<![\w/.-])docs/[\w./-]+\.md\b")
_QUOTED_PATH: Final = re.compile(r"`([A-Za-z_]+/[\w./-]+)`")
_MODULE_PATH: Final = re.compile(r"(?<![\w./}`-])([a-z_]+/[\w/]+\.py)\b")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Citation:
    """One place that a text refers to. `problem` says why it does not resolve, or is None."""

    document: str
    text: str
    offset: int
    problem: str | None = None


def main(root: Path) -> int:
    """Check the tree below `root`, print the count and each failure; return the exit code."""
    counts: Counter[str] = Counter()
    failures = []
    citing = Citing(root)
    for path in tree.files(root, *_SUFFIXES):
        name = path.relative_to(root).as_posix()
        if name.startswith(_LEFT_OUT):
            continue
        for passage in passages(path, path.read_text(encoding="utf-8")):
            for citation in citing.citations(path, passage):
                if citation.problem is None:
                    counts[citation.document] += 1
                else:
                    line = passage.line(citation.offset)
                    failures.append(f"{name}:{line}: {citation.text}: {citation.problem}")
    listed = ", ".join(f"{document} {count}" for document, count in counts.most_common())
    print(f"citations: {counts.total()} resolve ({listed}), {len(failures)} do not")
    print("\n".join(failures), end="\n" if failures else "")
    return 1 if failures else 0


class Citing:
    """Finds the citations in a passage and follows them into the tree below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._documents = documents.citable(root)
        self._folders = tree.top_folders(root)
        stems = "|".join(sorted(map(re.escape, self._documents), key=len, reverse=True))
        stem = rf"(?<![\w./-])({stems or '(?!)'})"
        self._citation = re.compile(
            rf"{stem} (?:({_SECTIONS})(?:,? ({_QUOTES}))?|({_ROWS})|({_REQUIREMENTS})|({_QUOTES}))"
        )
        self._by_name = re.compile(rf"(?<![\w/(\[.\"'-])(?:{stems or '(?!)'})\.md\b")

    def citations(self, path: Path, passage: Passage) -> Iterator[Citation]:
        """Yield all citations of a passage of the file at `path`, good and bad."""
        yield from self._places(passage)
        yield from self._without_document(passage)
        yield from self._paths(passage)
        if path.suffix == ".md":
            yield from self._links(path, passage)

    def _places(self, passage: Passage) -> Iterator[Citation]:
        for match in self._citation.finditer(passage.text):
            stem, sections, quotes_in_section, rows, requirements, quotes = match.groups()
            document = self._documents[stem]
            if sections:
                problems = _section_problems(document, sections, quotes_in_section or "")
            elif rows or requirements:
                problems = _row_problems(document, rows or requirements)
            else:
                problems = _quote_problems(document.text(), quotes)
            for problem in problems:
                yield Citation(stem, match[0], match.start(), problem)

    def _without_document(self, passage: Passage) -> Iterator[Citation]:
        cited = [match.span() for match in self._citation.finditer(passage.text)]
        for match in _SECTION_SIGN.finditer(passage.text):
            before = passage.text[: match.start()]
            in_citation = any(start <= match.start() < end for start, end in cited)
            if not in_citation and not self._is_of_others(before):
                problem = "name the document by its stem, as in `contract §11`"
                yield Citation("", before[-12:] + match[0], match.start(), problem)
        for match in self._by_name.finditer(passage.text):
            problem = "cite a place in it by its stem, or the whole of it by its path from docs/ on"
            yield Citation("", match[0], match.start(), problem)

    def _is_of_others(self, before: str) -> bool:
        words = before.split()
        if not words or not before.endswith(" "):
            return False
        ours = Path(words[-1].casefold()).stem in self._documents
        return not ours and bool(_OUTSIDE.search(words[-1]))

    def _paths(self, passage: Passage) -> Iterator[Citation]:
        for match in _DOCUMENT_PATH.finditer(passage.text):
            yield self._path(match[0], match.start())
        for pattern in (_QUOTED_PATH, _MODULE_PATH):
            for match in pattern.finditer(passage.text):
                is_document = bool(_DOCUMENT_PATH.fullmatch(match[1]))
                if match[1].split("/")[0] in self._folders and not is_document:
                    yield self._path(match[1], match.start())

    def _path(self, path: str, offset: int) -> Citation:
        problem = None if (self._root / path).exists() else "there is no such file"
        return Citation("paths", path, offset, problem)

    def _links(self, path: Path, passage: Passage) -> Iterator[Citation]:
        for match in _LINK.finditer(passage.text):
            target, _, anchor = match[1].partition("#")
            if ":" in target:
                continue
            linked = path.parent / target if target else path
            yield Citation("links", match[1], match.start(), _link_problem(linked, anchor))


def _section_problems(
    document: Document, sections: str, quotes_in_last: str
) -> Iterator[str | None]:
    section = None
    for sign in _SECTION_SIGN.findall(sections):
        section = document.section(sign[1:])
        yield None if section is not None else f"{sign} is no section of it"
    if section is not None and quotes_in_last:
        yield from _quote_problems(section, quotes_in_last)


def _row_problems(document: Document, rows: str) -> Iterator[str | None]:
    for row in re.findall(r"R?\d+", rows):
        yield None if document.has_row(row) else f"no table of it has a row {row}"


def _quote_problems(text: str, quotes: str) -> Iterator[str | None]:
    for words in re.findall(r'"([^"]+)"', quotes):
        quoted = documents.quotes(text, words)
        yield None if quoted else f'the words "{words}" do not stand there'


def _link_problem(linked: Path, anchor: str) -> str | None:
    if not linked.exists():
        return "there is no such file"
    if (
        anchor
        and linked.suffix == ".md"
        and anchor not in documents.anchors(documents.read(linked))
    ):
        return f"no heading has the anchor {anchor}"
    return None


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
