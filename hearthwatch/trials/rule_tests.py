"""`rules test`: rule test files read and played; the outcome as text or JSON."""

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
_DETAILS: Final = ("subject", "code", "value", "about", "priority", "reason", "onset")


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """The outcomes of the tests in one file."""

    file: Path
    outcomes: list[Outcome]

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return all(outcome.passed for outcome in self.outcomes)


def run_files(files: Sequence[Path]) -> Iterator[FileOutcome]:
    """Yield the outcome of each file.

    Raises ConfigurationError with the mistakes of all files before the first test runs.
    """
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
    """Return the totals of a file, and for each failed test a line for each difference, by time.

    `-` marks a transition that was expected, `+` one that came instead.
    """
    failed = [outcome for outcome in result.outcomes if not outcome.passed]
    passed = len(result.outcomes) - len(failed)
    lines = [f"{result.file}: {passed} of {len(result.outcomes)} tests passed"]
    for outcome in failed:
        lines += ["", f"  {outcome.test.name}"]
        lines += [
            f"    {sign} {_line(transition, outcome.test)}"
            for _, sign, transition in _differences(outcome)
        ]
    return "\n".join(lines)


def _differences(outcome: Outcome) -> list[tuple[int, str, Any]]:
    missing = [(expected.at, "-", expected) for expected in outcome.missing]
    unexpected = [(transition.at, "+", transition) for transition in outcome.unexpected]
    return sorted([*missing, *unexpected], key=lambda difference: difference[:2])


def _line(transition: Any, test: RuleTest) -> str:
    parts = [_time(transition.at - test.start), transition.rule, transition.edge]
    for name, value in _details(transition).items():
        if name == "onset":
            value = _time(value - test.start)
        elif isinstance(value, float):
            value = f"{value:.2f}"
        parts.append(f"{name}={value}")
    return "  ".join(parts)


def _details(transition: Any) -> dict[str, Any]:
    """Return the fields that are set; an expected transition sets only some."""
    values = {name: getattr(transition, name, None) for name in _DETAILS}
    return {name: value for name, value in values.items() if value is not None}


def _time(milliseconds: int) -> str:
    """Return a time after the start in the notation of rule tests: `1h15m`."""
    rest, text = abs(milliseconds), ""
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            text += f"{count}{unit}"
    return f"{'-' if milliseconds < 0 else ''}{text or '0s'}"


def to_document(results: Sequence[FileOutcome]) -> dict[str, Any]:
    """Return the outcomes as JSON; times are UTC ms."""
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
        "missing": [_transition_document(each) for each in outcome.missing],
        "unexpected": [_transition_document(each) for each in outcome.unexpected],
    }


def _transition_document(transition: Any) -> dict[str, Any]:
    named = {"at": transition.at, "rule": transition.rule, "edge": transition.edge}
    return named | _details(transition)
