"""What config/rules holds: every rule explains itself and has tests as data, and they pass."""

from pathlib import Path

import pytest

from hearthwatch.trials.rule_tests import run_files, to_text
from rules.document.rule import ADVICE, Rule
from rules.rule_tests.document import parse_tests
from tests.rules.shipped import RULES_FOLDER, document, shipped_rules

RULE_FILES = sorted(RULES_FOLDER.glob("*.toml"))
TEST_FILES = sorted((RULES_FOLDER / "tests").glob("*.toml"))


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.stem)
def test_the_tests_of_the_shipped_rules_pass(file: Path) -> None:
    [result] = run_files([file])
    assert result.passed, to_text(result)


@pytest.mark.parametrize("file", RULE_FILES, ids=lambda file: file.stem)
def test_every_rule_file_has_a_test_file_of_its_name_that_raises_each_rule(file: Path) -> None:
    tests = parse_tests(document(f"tests/{file.stem}"))
    assert f"../{file.name}" in tests.rules
    raised = {one.rule for test in tests.tests for one in test.expected if one.edge == "raise"}
    assert raised >= {rule["id"] for rule in document(file.stem)["rule"]}
    assert len(tests.tests) >= 2


@pytest.mark.parametrize("rule", shipped_rules(), ids=lambda rule: rule.id)
def test_every_rule_says_what_it_means_and_what_to_check_first(rule: Rule) -> None:
    assert set(rule.advice("other:E1")) == set(ADVICE)
