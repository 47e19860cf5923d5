"""`rules test`: rule test files read, played and told as text or JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alerts.rulebook import load_rules
from alerts.settings import RulesSettings
from configuration.load import ConfigurationError, ConfigurationProblem, read_toml
from rules.document.problems import RuleErrors
from rules.document.rule import Rule
from rules.rule_tests.document import RuleTest, RuleTestFile, parse_tests
from rules.rule_tests.play import Outcome, run_test
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS

_UNITS: Final = (("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", 1_000), ("ms", 1))
_TOLD: Final = ("subject", "code", "value", "about", "priority", "reason", "onset")


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What the tests of one file found."""

    file: Path
    outcomes: list[Outcome]

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return all(outcome.passed for outcome in self.outcomes)


def run_files(files: Sequence[Path]) -> Iterator[FileOutcome]:
    """The outcome of each file, one by one; raises ConfigurationError naming every mistake of all
    files first."""
    problems: list[ConfigurationProblem] = []
    read: list[tuple[Path, RuleTestFile, list[Rule]]] = []
    for file in files:
        try:
            document = _read(file)
            read.append((file, document, _rules(file, document)))
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    for file, document, rules in read:
        yield FileOutcome(file, [_run(file, test, rules) for test in document.tests])


def _read(file: Path) -> RuleTestFile:
    try:
        return parse_tests(read_toml(file))
    except RuleErrors as error:
        raise ConfigurationError(
            [ConfigurationProblem(file, key, message) for key, message in error.problems]
        ) from error


def _rules(file: Path, document: RuleTestFile) -> list[Rule]:
    return load_rules(
        RulesSettings(files=[(file.parent / path).resolve() for path in document.rules])
    )


def _run(file: Path, test: RuleTest, rules: Sequence[Rule]) -> Outcome:
    try:
        return run_test(test, rules)
    except RuleErrors as error:
        problems = [
            ConfigurationProblem(file, f"test {test.name!r}.{key}", message)
            for key, message in error.problems
        ]
        raise ConfigurationError(problems) from error


def to_text(result: FileOutcome) -> str:
    """One line per file, and for each test that failed what was expected (-) and what came (+), by
    time."""
    failed = [outcome for outcome in result.outcomes if not outcome.passed]
    passed = len(result.outcomes) - len(failed)
    lines = [f"{result.file}: {passed} of {len(result.outcomes)} tests passed"]
    for outcome in failed:
        lines += ["", f"  {outcome.test.name}"]
        lines += [
            f"    {sign} {_line(told, outcome.test)}" for _, sign, told in _differences(outcome)
        ]
    return "\n".join(lines)


def _differences(outcome: Outcome) -> list[tuple[int, str, Any]]:
    missing = [(one.at, "-", one) for one in outcome.missing]
    unexpected = [(one.at, "+", one) for one in outcome.unexpected]
    return sorted([*missing, *unexpected], key=lambda one: one[:2])


def _line(told: Any, test: RuleTest) -> str:
    parts = [f"{_time(told.at - test.start)}", told.rule, told.edge]
    for name, value in _details(told).items():
        shown = (
            _time(value - test.start)
            if name == "onset"
            else f"{value:.2f}"
            if isinstance(value, float)
            else value
        )
        parts.append(f"{name}={shown}")
    return "  ".join(parts)


def _details(told: Any) -> dict[str, Any]:
    return {name: value for name in _TOLD if (value := getattr(told, name, None)) is not None}


def _time(milliseconds: int) -> str:
    """After the start, as the notation has it: `1h15m`."""
    sign, rest, text = "-" if milliseconds < 0 else "", abs(milliseconds), ""
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return f"{sign}{text or '0s'}"


def to_document(results: Sequence[FileOutcome]) -> dict[str, Any]:
    """The same for programs; times are UTC ms."""
    return {
        "passed": all(result.passed for result in results),
        "files": [
            {
                "file": str(result.file),
                "tests": [_test_document(outcome) for outcome in result.outcomes],
            }
            for result in results
        ],
    }


def _test_document(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.test.name,
        "passed": outcome.passed,
        "missing": [_told_document(one) for one in outcome.missing],
        "unexpected": [_told_document(one) for one in outcome.unexpected],
    }


def _told_document(told: Any) -> dict[str, Any]:
    return {"at": told.at, "rule": told.rule, "edge": told.edge, **_details(told)}
