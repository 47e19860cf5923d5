"""The page of configuration keys: each key has a meaning in both languages, and its bounds."""

import pytest

from hearthwatch.generated.configuration_kinds import schemas
from hearthwatch.generated.configuration_page import FILES, keys_of, page
from hearthwatch.generated.configuration_words import MEANINGS_ZH

KEYS = {key.path: key for model in FILES.values() for key in keys_of(model)}


@pytest.mark.parametrize("path", KEYS)
def test_a_key_has_a_meaning_in_both_languages(path: str) -> None:
    assert (KEYS[path].field.description or "").endswith(".")
    assert MEANINGS_ZH.get(path, "").endswith("。")


def test_no_meaning_is_left_of_a_key_that_is_gone() -> None:
    assert set(MEANINGS_ZH) == set(KEYS)


@pytest.mark.parametrize("file", FILES)
def test_the_schema_describes_every_key(file: str) -> None:
    document = schemas()[file.removesuffix(".toml")]
    tables = [document, *document["$defs"].values()]
    undescribed = [
        (table["title"], name)
        for table in tables
        for name, key in table["properties"].items()
        if "description" not in key
    ]
    assert undescribed == []


def test_the_page_shows_type_default_and_range_of_a_key() -> None:
    text = page()
    for said in (
        "| `keepalive_s` | integer | `15` | ≥ 5, ≤ 1200 |",
        "| `every` | duration | `1h` | ≥ 1s |",
        "| `registered_only` | boolean | `false` | – |",
        "| `dead_letters` | path | `dead-letters.jsonl` | – |",
        "| `towns` | list of strings | – | at least 至少 1 |",
        "### `[store]`",
        "| `interval` | duration | `30s` | ≥ 1s, ≤ 1d |",
        "| `max_mb` | integer | `256` | ≥ 1, ≤ 65536 |",
        "| `district` | string | required 必填 | – |",
        "### `[[bus.device]]`",
    ):
        assert said in text
