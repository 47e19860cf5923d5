"""Sentences of a rule in every language of the console, and the placeholders they may hold."""

from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Final

from rules.document.problems import RuleProblem

LANGUAGES: Final = ("zh", "en")
_LIST_COMMA: Final = {"zh": "、", "en": ", "}

Texts = Mapping[str, str]
"""A sentence by language."""


def template_problems(template: str, allowed: frozenset[str]) -> list[str]:
    """What is wrong with a sentence that may hold the placeholders `allowed`."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        return [f"{error}; write {{{{ and }}}} for braces"]
    unknown = {name for _, name, _, _ in parts if name is not None} - allowed
    known = ", ".join(f"{{{name}}}" for name in sorted(allowed))
    return [f"unknown placeholder {{{name}}}; known are {known}" for name in sorted(unknown)]


def templates_problems(key: str, texts: Texts, allowed: frozenset[str]) -> list[RuleProblem]:
    """The same for a sentence in every language, each named by `key` and language."""
    return [
        (f"{key}.{language}", problem)
        for language, template in texts.items()
        for problem in template_problems(template, allowed)
    ]


def enumeration(items: Iterable[str], language: str) -> str:
    """The items as a list inside a sentence."""
    return _LIST_COMMA[language].join(items)
