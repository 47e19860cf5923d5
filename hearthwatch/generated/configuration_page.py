"""The keys of server.toml and gateway.toml as a page in both languages, from their models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args, get_origin

from annotated_types import Ge, Le, MinLen
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from configuration.fields import Settings
from gateway_agent.settings import GatewaySettings
from hearthwatch.generated.configuration_words import MEANINGS_ZH
from hearthwatch.run.server_settings import ServerSettings
from wire.durations import format_duration, parse_duration

FILES: Final[dict[str, type[Settings]]] = {
    "server.toml": ServerSettings,
    "gateway.toml": GatewaySettings,
}

_HEAD: Final = """# Configuration 配置

Made from the models in the code by `make format`; `make check` holds it in date. Durations are
written as `500ms 30s 10m 2h 7d`. Relative paths are relative to the file that contains them;
paths that the services write, to `[state] directory`.
Secrets are in files of their own. The [operator guide](operator-guide.md) says how to choose.

由代码中的模型生成。时长写作 `500ms 30s 10m 2h 7d`；相对路径以所在文件为准；
服务写入的路径以 `[state] directory` 为准。
密码等机密放在单独的文件中。取值方法见[操作指南](operator-guide.zh-CN.md)。"""

_COLUMNS: Final = ("key 键", "type 类型", "default 默认", "range 范围", "meaning", "含义")
_KINDS: Final = {dict: "table", Path: "path", bool: "boolean", int: "integer", str: "string"}


class Key(NamedTuple):
    """A key of a configuration file: its table (empty at the top), its name, and its field."""

    table: str
    name: str
    field: FieldInfo

    @property
    def path(self) -> str:
        """The dotted path in its file, such as `bus.device.id`."""
        return f"{self.table}.{self.name}".removeprefix(".")


def keys_of(model: type[BaseModel], table: str = "") -> Iterator[Key]:
    """Every key that `model` takes, its own first, then those of its tables."""
    keys = [Key(table, name, field) for name, field in model.model_fields.items()]
    yield from keys
    for key in keys:
        for inner in _tables_in(key.field):
            yield from keys_of(inner, key.path)


def page() -> str:
    """The page: for each file, a table of keys for each of its tables."""
    parts = [_HEAD]
    for name, model in FILES.items():
        keys = list(keys_of(model))
        parts += [f"## {name}", *(_section(table, keys) for table in _tables(keys))]
    return "\n\n".join(parts) + "\n"


def _tables(keys: list[Key]) -> list[str]:
    return list(dict.fromkeys(key.table for key in keys))


def _section(table: str, keys: list[Key]) -> str:
    lines = [_COLUMNS, ("---",) * len(_COLUMNS), *(_row(key) for key in keys if key.table == table)]
    text = "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )
    holder = next((key for key in keys if key.path == table), None)
    return text if holder is None else f"### {_title(holder)}\n\n{text}"


def _title(key: Key) -> str:
    return f"`[[{key.path}]]`" if _is_list(key.field) else f"`[{key.path}]`"


def _row(key: Key) -> tuple[str, ...]:
    meaning = key.field.description or ""
    return f"`{key.name}`", _kind(key), _default(key), _range(key), meaning, MEANINGS_ZH[key.path]


def _kind(key: Key) -> str:
    if any(_tables_in(key.field)):
        kind = "table"
    elif _is_duration(key.field):
        kind = "duration"
    else:
        types = {get_origin(part) or part for part in _inside(key.field.annotation)}
        kind = next(name for of, name in _KINDS.items() if of in types)
    return f"list of {kind}s" if _is_list(key.field) else kind


def _default(key: Key) -> str:
    field = key.field
    if field.is_required():
        return "required 必填"
    if any(_tables_in(field)) or field.default_factory is not None or field.default in (None, ""):
        return "–"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{_amount(field, field.default)}`"


def _range(key: Key) -> str:
    parts, field = list(_parts(key.field)), key.field
    least = [part.ge for part in parts if isinstance(part, Ge)]
    most = [part.le for part in parts if isinstance(part, Le)]
    said = [f"≥ {_amount(field, max(least, key=_number))}"] if least else []
    said += [f"≤ {_amount(field, min(most, key=_number))}"] if most else []
    said += [f"at least 至少 {part.min_length}" for part in parts if isinstance(part, MinLen)]
    said += [f"`{part.pattern}`" for part in parts if hasattr(part, "pattern")]
    return ", ".join(said) or "–"


def _number(value: Any) -> int:
    return int(value)


def _amount(field: FieldInfo, value: object) -> str:
    return format_duration(value) if isinstance(value, int) and _is_duration(field) else str(value)


def _is_list(field: FieldInfo) -> bool:
    return any(get_origin(part) is list for part in _parts(field))


def _is_duration(field: FieldInfo) -> bool:
    return any(
        isinstance(part, BeforeValidator) and part.func is parse_duration for part in _parts(field)
    )


def _tables_in(field: FieldInfo) -> list[type[BaseModel]]:
    return [
        part for part in _parts(field) if isinstance(part, type) and issubclass(part, BaseModel)
    ]


def _parts(field: FieldInfo) -> Iterator[Any]:
    """The types and the bounds of a field, however deep they stand in its annotation."""
    yield from field.metadata
    yield from _inside(field.annotation)


def _inside(annotation: Any) -> Iterator[Any]:
    if isinstance(annotation, FieldInfo):
        yield from annotation.metadata
    else:
        yield annotation
        for inner in get_args(annotation):
            yield from _inside(inner)
