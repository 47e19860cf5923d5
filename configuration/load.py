"""Read a TOML file into a model; the environment overrides it, and every mistake is named."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from configuration.mistakes import explain

PREFIX: Final = "HEARTHWATCH_"
_FROM_FILE: Final = "_file"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ConfigurationProblem:
    """One mistake: the file, the dotted key in it (empty: the file itself), and the cure."""

    file: Path
    key: str
    message: str

    def __str__(self) -> str:
        return (
            f"{self.file}: {self.key}: {self.message}"
            if self.key
            else f"{self.file}: {self.message}"
        )


class ConfigurationError(Exception):
    """An unusable configuration with all of its problems; the command line exits with 2."""

    def __init__(self, problems: list[ConfigurationProblem]) -> None:
        assert problems, "an error names at least one problem"
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    @classmethod
    def at(cls, file: Path, message: str, key: str = "") -> "ConfigurationError":
        """Return an error with one problem, at `key` of `file`."""
        return cls([ConfigurationProblem(file, key, message)])


def load(path: Path, model: type[Model], environment: Mapping[str, str] = os.environ) -> Model:
    """Return the configuration in `path` as `model`; raises ConfigurationError.

    The variable `HEARTHWATCH_SECTION__KEY` of `environment` overrides `key` of `[section]`.
    """
    return validate(read_document(path, model, environment), model, path)


def read_document(
    path: Path, model: type[BaseModel], environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Return the document in `path`, overridden as by `load`; raises ConfigurationError."""
    document = read_toml(path)
    for name, value in environment.items():
        if name.startswith(PREFIX) and _names_a_key(name, model):
            _override(document, name, value, model, path)
    return document


@contextmanager
def noting(problems: list[ConfigurationProblem]) -> Iterator[None]:
    """Add a ConfigurationError of the block to `problems`, and go on after the block."""
    try:
        yield
    except ConfigurationError as error:
        problems += error.problems


def validate(
    document: dict[str, Any], model: type[Model], path: Path, state: Path | None = None
) -> Model:
    """Return `document`, read from `path`, as `model`; raises ConfigurationError.

    Relative paths of state are relative to the folder `state`, all others to that of `path`.
    """
    folders = {"base": path.absolute().parent, "state": state}
    try:
        return model.model_validate(document, context=folders)
    except ValidationError as error:
        mistakes = explain(error, document, model)
        raise ConfigurationError(
            [ConfigurationProblem(path, key, message) for key, message in mistakes]
        ) from error


def read_toml(path: Path) -> dict[str, Any]:
    """Return the TOML document in `path`; raises ConfigurationError if it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError.at(path, error.strerror or str(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError.at(path, f"not valid TOML: {error}") from error


def _names_a_key(name: str, model: type[BaseModel]) -> bool:
    key = name.removeprefix(PREFIX).lower()
    return "__" in key or any(key in _names(*item) for item in model.model_fields.items())


def _names(key: str, field: FieldInfo) -> set[str]:
    """Every name of a field in a file: its own, and older ones that are still read."""
    alias = field.validation_alias
    return {key, *map(str, alias.choices)} if isinstance(alias, AliasChoices) else {key}


def _override(
    document: dict[str, Any], name: str, value: str, model: type[BaseModel], path: Path
) -> None:
    keys = name.removeprefix(PREFIX).lower().split("__")
    fields = _fields_at(model, keys[:-1])
    if (
        keys[-1].endswith(_FROM_FILE)
        and keys[-1] not in fields
        and keys[-1].removesuffix(_FROM_FILE) in fields
    ):
        keys[-1], value = keys[-1].removesuffix(_FROM_FILE), _secret(name, value)
    table = document
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            message = f"{name} names a table that is a value here"
            raise ConfigurationError.at(path, message, ".".join(keys))
    for field in fields.items():
        if keys[-1] in _names(*field):  # an override replaces the value under any of its names
            for name_in_file in _names(*field):
                table.pop(name_in_file, None)
    table[keys[-1]] = _parse(value)


def _fields_at(model: type[BaseModel], keys: list[str]) -> Mapping[str, FieldInfo]:
    """Return the fields of the table at `keys`; empty if the model has no such table."""
    for key in keys:
        field = model.model_fields.get(key)
        if (
            field is None
            or not isinstance(field.annotation, type)
            or not issubclass(field.annotation, BaseModel)
        ):
            return {}
        model = field.annotation
    return model.model_fields


def _secret(name: str, file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError.at(Path(file), f"{name}: {error.strerror}") from error


def _parse(value: str) -> Any:
    """Return `value` as TOML (number, boolean, list), or the text itself if it is no TOML."""
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value
