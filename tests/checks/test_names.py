"""Class names that stand twice."""

from pathlib import Path

import pytest

from checks import names
from tests.checks.tree import write

TWICE = {
    "wire/a.py": "class Line: ...\nclass _State: ...\n",
    "rules/b.py": "class Line: ...\nclass _State: ...\n",
    "rules/c.py": "class Alone: ...\n",
    "tests/rules/test_c.py": "class Alone: ...\n",
}
GLOSSARY = (
    "# Glossary\n\n## Names that may stand twice\n- `Line`: two sides of one wire.\n\n## Rest\n"
)


def test_a_name_that_stands_twice_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert names.main(write(tmp_path, TWICE)) == 1
    printed = capsys.readouterr().out
    assert "class Line stands in rules/b.py, wire/a.py" in printed
    assert "Alone" not in printed
    assert "_State" not in printed


def test_the_glossary_excuses_a_name(tmp_path: Path) -> None:
    assert names.main(write(tmp_path, {**TWICE, "docs/glossary.md": GLOSSARY})) == 0


def test_only_its_section_excuses(tmp_path: Path) -> None:
    elsewhere = "# Glossary\n\n## Rest\n- `Line`: a bus.\n"
    assert names.main(write(tmp_path, {**TWICE, "docs/glossary.md": elsewhere})) == 1


def test_an_excuse_that_no_name_needs_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"wire/a.py": "class Line: ...\n", "docs/glossary.md": GLOSSARY}
    assert names.main(write(tmp_path, files)) == 1
    assert "excuses Line, which does not stand twice" in capsys.readouterr().out
