"""The console's texts in Chinese and English, read from `texts.toml`."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every text by its dotted key: `{"alerts.title": {"zh": …, "en": …}}`."""
    document = tomllib.loads((Path(__file__).parent / "texts.toml").read_text(encoding="utf-8"))
    return {
        f"{section}.{key}": text
        for section, texts in document.items()
        for key, text in texts.items()
    }


def text(language: Language, key: str) -> str:
    """The text of `key`; raises KeyError for a key the catalogue lacks, so that none is ever shown
    untranslated."""
    return catalogue()[key][language]


def section(language: Language, name: str) -> dict[str, str]:
    """All texts of one section by their short key, for the scripts of the page."""
    prefix = f"{name}."
    return {
        key.removeprefix(prefix): texts[language]
        for key, texts in catalogue().items()
        if key.startswith(prefix)
    }
