"""A page and its Chinese translation have the same sections and the same code blocks.

`X.zh-CN.md` translates `X.md`. The texts are not compared, nor are comments in code blocks and
pictures drawn in characters, since both are translated.
"""

import re
import sys
from itertools import zip_longest
from pathlib import Path
from typing import Final

from checks import documents, tree
from checks.documents import Document

CHINESE: Final = ".zh-CN.md"
TRANSLATED: Final = ("README.md", "docs/operator-guide.md")
"""Pages that must have a translation."""

_FENCE: Final = re.compile(r"^\s*```(\w*)\s*$")
_COMMENT: Final = re.compile(r"(^|\s)#.*$")


def main(root: Path) -> int:
    """Compare all pairs below `root`, print the differences, and return the exit code."""
    pages = {
        path.with_name(path.name.replace(CHINESE, ".md")) for path in tree.files(root, CHINESE)
    }
    pages |= {root / page for page in TRANSLATED}
    failures = [failure for page in sorted(pages) for failure in _compare_files(root, page)]
    print(f"translations: {len(pages)} pages, {len(failures)} differences")
    print("\n".join(failures), end="\n" if failures else "")
    return 1 if failures else 0


def differences(english: Document, chinese: Document) -> list[str]:
    """Return how the two pages differ in the order and levels of headings and in code blocks."""
    return [*_heading_differences(english, chinese), *_code_differences(english, chinese)]


def _compare_files(root: Path, page: Path) -> list[str]:
    translation = page.with_name(page.stem + CHINESE)
    missing = [path for path in (page, translation) if not path.exists()]
    if missing:
        return [f"{path.relative_to(root)}: there is no such file" for path in missing]
    name = translation.relative_to(root)
    return [
        f"{name}: {difference}"
        for difference in differences(documents.read(page), documents.read(translation))
    ]


def _heading_differences(english: Document, chinese: Document) -> list[str]:
    pairs = zip_longest(documents.headings(english.lines), documents.headings(chinese.lines))
    for number, (original, translated) in enumerate(pairs, start=1):
        if original is None:
            return [f'heading {number} "{translated.text}" has no original']
        if translated is None:
            return [f'heading {number} "{original.text}" is missing']
        if original.level != translated.level:
            levels = f"level {translated.level}, not {original.level}"
            return [f'heading {number} "{translated.text}" has {levels}']
    return []


def _code_differences(english: Document, chinese: Document) -> list[str]:
    originals, translations = _code_blocks(english), _code_blocks(chinese)
    if len(originals) != len(translations):
        return [f"{len(translations)} code blocks, not {len(originals)}"]
    return [
        f"code block {number} differs: {_first_difference(original, translated)}"
        for number, (original, translated) in enumerate(
            zip(originals, translations, strict=True), start=1
        )
        if original != translated
    ]


def _first_difference(original: list[str], translated: list[str]) -> str:
    pairs = zip_longest(original, translated, fillvalue="(nothing)")
    return next(f"`{theirs}`, not `{ours}`" for ours, theirs in pairs if ours != theirs)


def _code_blocks(document: Document) -> list[list[str]]:
    """Return each block as its language and its lines; of a picture, the language only."""
    blocks: list[list[str]] = []
    is_open = False
    for line in document.lines:
        fence = _FENCE.match(line)
        if fence:
            is_open = not is_open
            if is_open:
                blocks.append([fence[1]])
        elif is_open and blocks[-1][0]:
            code = " ".join(_COMMENT.sub("", line).split())
            if code:
                blocks[-1].append(code)
    return blocks


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
