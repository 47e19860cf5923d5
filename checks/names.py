"""Class names that stand in two or more modules; docs/glossary.md lists those that may.

A name means one thing in the whole tree. Private names (`_State`) may repeat, and tests are not
looked at.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from checks import documents, tree

GLOSSARY: Final = "docs/glossary.md"
SECTION: Final = "Names that may stand twice"
_EXCUSED: Final = re.compile(r"^\s*[-|]\s*`(\w+)`", re.MULTILINE)


def main(root: Path) -> int:
    """Print the names that stand twice and the excuses that no name needs; return the exit code."""
    twice = repeated(class_names(root))
    glossary = root / GLOSSARY
    excuses = excused(glossary.read_text(encoding="utf-8")) if glossary.exists() else frozenset()
    failures = [
        f"class {name} stands in {', '.join(modules)}: rename, or excuse it in {GLOSSARY}"
        for name, modules in sorted(twice.items())
        if name not in excuses
    ]
    failures += [
        f"{GLOSSARY} excuses {name}, which does not stand twice"
        for name in sorted(excuses - twice.keys())
    ]
    print(f"names: {len(twice)} class names stand twice, {len(excuses & twice.keys())} excused")
    print("\n".join(failures), end="\n" if failures else "")
    return 1 if failures else 0


def class_names(root: Path) -> dict[str, list[str]]:
    """Return the modules that define each class name, outside tests and private names."""
    modules = defaultdict(list)
    for path in tree.files(root, ".py"):
        module = path.relative_to(root).as_posix()
        if module.startswith("tests/"):
            continue
        for name in sorted(_classes(path.read_text(encoding="utf-8"))):
            modules[name].append(module)
    return dict(modules)


def repeated(modules: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the names that two or more modules define."""
    return {name: where for name, where in modules.items() if len(where) > 1}


def excused(glossary: str) -> frozenset[str]:
    """Return the names that the glossary lists as allowed to stand twice, one a list item."""
    text = documents.Document(tuple(glossary.splitlines())).section(SECTION)
    return frozenset(_EXCUSED.findall(text or ""))


def _classes(source: str) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
