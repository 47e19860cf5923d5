"""Configuration files: every mistake is named with file and key, all at once; the environment
overrides."""

from pathlib import Path

import pytest
from pydantic import Field

from configuration.fields import Duration, FilePath, Identifier, Settings
from configuration.load import ConfigurationError, load


class Table(Settings):
    path: FilePath
    every: Duration = 30_000
    token: str | None = None


class Document(Settings):
    village: Identifier
    part: Table
    items: list[Table] = Field(default_factory=list)


GOOD = 'village = "matao"\n[part]\npath = "data/x.db"\nevery = "2m"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "file.toml"
    path.write_text(text)
    return path


def test_paths_are_relative_to_the_file_and_durations_are_milliseconds(tmp_path: Path) -> None:
    document = load(write(tmp_path, GOOD), Document, {})
    assert document.part.path == tmp_path / "data/x.db"
    assert document.part.every == 120_000


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'village = "Ma Tao"\ncolour = 1\n[part]\nevery = "soon"\n[[items]]\npath = "a"\nx = 1\n',
    )
    with pytest.raises(ConfigurationError) as caught:
        load(path, Document, {})
    keys = {problem.key for problem in caught.value.problems}
    assert keys == {"village", "colour", "part.path", "part.every", "items[0].x"}
    assert all(problem.file == path for problem in caught.value.problems)


@pytest.mark.parametrize("text", ["village = ", "\x00"])
def test_what_is_not_toml_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        load(write(tmp_path, text), Document, {})


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        load(tmp_path / "none.toml", Document, {})


def test_the_environment_overrides_any_key(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    environment = {
        "HEARTHWATCH_VILLAGE": "baihutou",
        "HEARTHWATCH_PART__EVERY": "5s",
        "HEARTHWATCH_PART__TOKEN_FILE": str(secret),
        "HEARTHWATCH_LOG": "debug",
    }

    document = load(write(tmp_path, GOOD), Document, environment)
    assert (document.village, document.part.every, document.part.token) == (
        "baihutou",
        5_000,
        "s3cret",
    )


def test_an_override_that_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"part\.every"):
        load(write(tmp_path, GOOD), Document, {"HEARTHWATCH_PART__EVERY": "soon"})
