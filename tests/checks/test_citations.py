"""Citations: what resolves, what does not, and what is no citation of ours."""

from pathlib import Path

import pytest

from checks import citations
from tests.checks.tree import write

CONTRACT = """# Contract

## 1. Names
ids

## 11. Answers
**Late** data: first 4 kB
"""
DESIGN = """# Design

## 4. Hops
1. a journal
2. a `watermark`
   that moves

end
"""
PHYSICS = """# Physics

## 20.1 COP
1.4

## 20.7 Faults

### Frost
over weeks
"""
DOCUMENTS = {
    "docs/contract.md": CONTRACT,
    "docs/design.md": DESIGN,
    "docs/domain/physics.md": PHYSICS,
    "docs/domain/bus-quirks.md": "| # | Quirk |\n|---|---|\n| 7 | noise |\n| 21 | counters |\n",
    "docs/domain/requirements.md": "| # | Rule |\n|---|---|\n| R2 | cold |\n| R20 | 18 °C |\n",
}

GOOD = [
    "contract §11",
    "(contract §1, §11)",
    "physics §20.1, §20.7",
    "physics §20.1 and §20.7",
    "physics §20.1 to §20.7",
    "design §4",
    "design §4.2",
    'design §4.2 "a watermark that moves"',
    "bus-quirks row 21",
    "bus-quirks rows 7 and 21",
    "requirements R20",
    "requirements R2, R20",
    'contract §11 "late data"',
    'contract §11 "late … 4 kB"',
    'physics §20.7, "over weeks"',
    'contract "first 4 kB" and "ids"',
    "docs/domain/physics.md",
]

BAD = [
    "contract §12",
    "contract §2",
    "physics §20.1, §20.8",
    "physics §2",
    "design §4.3",
    "bus-quirks row 2",
    "bus-quirks rows 7 and 8",
    "requirements R3",
    "requirements R2, R3",
    'contract §1 "first 4 kB"',
    'contract §11 "4 kB … late"',
    'contract "never written"',
    "docs/domain/chemistry.md",
    "see §20.1",
    "(§11)",
    "CONTRACT §11",
    "contract.md §11",
    "as physics.md has it",
]

OTHERS = [
    "Modbus over serial line V1.02 §2.5.1.1",
    "NIST SP 800-63B §5.1.1.2",
    "https://sqlite.org/limits.html §13",
    "another-project/docs/physics.md",
    "the contract of today",
]


def _write_python(root: Path, citation: str) -> Path:
    return write(root, {**DOCUMENTS, "wire/units.py": f"# Why: {citation}.\nX = 1\n"})


@pytest.mark.parametrize("citation", GOOD)
def test_a_citation_resolves(tmp_path: Path, citation: str) -> None:
    assert citations.main(_write_python(tmp_path, citation)) == 0


@pytest.mark.parametrize("citation", BAD)
def test_a_citation_that_points_nowhere_fails(
    tmp_path: Path, citation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert citations.main(_write_python(tmp_path, citation)) == 1
    assert "wire/units.py:1: " in capsys.readouterr().out


@pytest.mark.parametrize("reference", OTHERS)
def test_references_to_others_are_left_alone(
    tmp_path: Path, reference: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert citations.main(_write_python(tmp_path, reference)) == 0
    assert "citations: 0 resolve" in capsys.readouterr().out


def test_citations_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert citations.main(_write_python(tmp_path, "physics §20.1, §20.7; contract §1")) == 0
    assert "citations: 3 resolve (physics 2, contract 1), 0 do not" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("rules/a.py", '"""Sums.\n\nFrom (contract\n§12).\n"""\n', 3),
        ("rules/b.py", "x = 1  # from contract\n# §12\n", 1),
        ("rules/c.py", 'HELP = "see contract §12"\n', 1),
        ("config/d.toml", "# from contract\n# §12\nlimit = 1\n", 1),
        ("config/e.json", '{\n "about": "the contract\\n§12"}\n', 2),
        ("Makefile", "# contract §12\n", 1),
    ],
)
def test_a_citation_may_break_over_lines_of_any_file(
    tmp_path: Path, name: str, text: str, line: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert citations.main(write(tmp_path, {**DOCUMENTS, name: text})) == 1
    assert f"{name}:{line}: contract §12: §12 is no section of it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("`wire/units.py` counts", 0),
        ("`wire/weeks.py` counts", 1),
        ("see wire/units.py", 0),
        ("see wire/weeks.py", 1),
        ("`project/wire/weeks.py` and project/wire/weeks.py of another project", 0),
        ("`elsewhere/weeks.py` of another project", 0),
        ("[units](../wire/units.py)", 0),
        ("[weeks](../wire/weeks.py)", 1),
        ("[faults](domain/physics.md#207-faults)", 0),
        ("[faults](domain/physics.md#208-faults)", 1),
        ("[physics.md](domain/physics.md)", 0),
        ("[here](#page)", 0),
        ("[there](https://example.org/x.md)", 0),
    ],
)
def test_paths_and_links_in_documents(tmp_path: Path, text: str, code: int) -> None:
    files = {**DOCUMENTS, "wire/units.py": "", "docs/page.md": f"# Page\n\n{text}\n"}
    assert citations.main(write(tmp_path, files)) == code
