"""Every test that docs/security.md names exists, and every line has a state."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED: Final = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
LINE: Final = re.compile(r"^\| (\d+\.\d+\.\d+[\d., ]*) \| [^|]+ \| (.+) \|$", re.MULTILINE)


def test_every_test_it_names_exists() -> None:
    named = set(NAMED.findall(PAGE))
    assert len(named) > 50
    assert [
        f"{file}::{name}"
        for file, name in sorted(named)
        if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ] == []


def test_every_requirement_is_met_by_something_named_or_has_a_reason() -> None:
    lines = LINE.findall(PAGE)
    numbers = [number for group, _ in lines for number in group.split(", ")]
    assert len(numbers) == len(set(numbers)) == 70 + 183  # levels 1 and 2 of version 5.0.0
    for group, state in lines:
        kind, _, reason = state.partition(": ")
        assert kind in ("met", "not met", "does not apply"), group
        assert reason, group
        if kind == "met":
            assert re.search(r"::test_|docs/|contract §|this page", reason), group
