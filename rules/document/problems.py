"""Mistakes in a rule document, collected so that one reading names them all."""

from collections.abc import Iterator
from contextlib import contextmanager

RuleProblem = tuple[str, str]
"""A dotted key, and what to write there."""


class RuleErrors(ValueError):  # noqa: N818 - it holds many errors
    """Every mistake of a rule document; `problems` lists them by dotted key."""

    def __init__(self, problems: list[RuleProblem]) -> None:
        super().__init__(
            "\n".join(f"{key}: {message}" if key else message for key, message in problems)
        )
        self.problems = problems

    def below(self, key: str) -> list[RuleProblem]:
        """The same mistakes, each key written from outside the table or list `key`."""
        return [(_join(key, inner), message) for inner, message in self.problems]


@contextmanager
def noting(problems: list[RuleProblem], key: str) -> Iterator[None]:
    """Add a ValueError of the block to `problems` under `key`, and go on after the block."""
    try:
        yield
    except RuleErrors as error:
        problems += error.below(key)
    except ValueError as error:
        problems.append((key, str(error)))


def _join(outer: str, inner: str) -> str:
    return f"{outer}{inner}" if not inner or inner.startswith("[") else f"{outer}.{inner}"
