"""What is wrong with a value of a configuration file: its key, what is allowed, and did you mean.

The words are made from the JSON Schema of the model, so that they match what editors show. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from wire.durations import format_duration
from wire.suggestions import suggestion

_OWN_WORDS: Final = "value_error"
_OF_THE_LIBRARY: Final = frozenset(get_args(ErrorType)) - {_OWN_WORDS}
_MOST_SHOWN: Final = 40
_KEY: Final = "[key]"  # what the library appends to the location of a key
_LIMITS: Final = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below"}

KeyPath = tuple[int | str, ...]
"""Keys and positions from the top of the file to a value."""
Schema = Mapping[str, Any]


def explain(
    error: ValidationError, document: Mapping[str, Any], model: type[BaseModel]
) -> list[tuple[str, str]]:
    """Return the dotted key and the message of each mistake of `document`, which is no `model`."""
    schema = _schema(model)
    mistakes: dict[tuple[KeyPath, str], bool] = {}
    for detail in error.errors(include_url=False):
        place = _place(detail, document, schema)
        is_branch = len(place) < len(detail["loc"])
        mistakes.setdefault((place, _message(detail, place, schema)), is_branch)
    # A value that may have several forms is judged by the form that it comes closest to.
    deeper = {place[:length] for place, _ in mistakes for length in range(len(place))}
    return [
        (dotted(place), message)
        for (place, message), is_branch in mistakes.items()
        if not (is_branch and place in deeper)
    ]


@cache
def _schema(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def dotted(place: KeyPath) -> str:
    """Return a place as it is written in messages, such as `bus[0].url`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _place(detail: ErrorDetails, document: Mapping[str, Any], schema: Schema) -> KeyPath:
    """The location without the names that the library gives to the forms of a value."""
    place: KeyPath = ()
    value: Any = document
    for part in detail["loc"]:
        if isinstance(value, list) and isinstance(part, int):
            value = value[part]
        elif _is_key(part, value, _at(schema, place)):
            # A key is a text in the file, also where the model makes a number of it.
            value = value.get(str(part)) if isinstance(value, dict) else None
        else:
            continue
        place = (*place, part)
    return place


def _is_key(part: int | str, value: object, forms: Sequence[Schema]) -> bool:
    if isinstance(value, dict) and str(part) in value:
        return True
    if isinstance(part, int):
        return value is None and any(form.get("type") == "array" for form in forms)
    return any(part in form.get("properties", {}) for form in forms)


def _message(detail: ErrorDetails, place: KeyPath, schema: Schema) -> str:
    if detail["type"] not in _OF_THE_LIBRARY:
        return detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        known = [key for form in _at(schema, place[:-1]) for key in form.get("properties", {})]
        return f"unknown key; {suggestion(place[-1], known)}"
    if detail["loc"][-1] == _KEY:
        return _wrong_key(detail)
    forms = _at(schema, place)
    allowed = " or ".join(dict.fromkeys(map(_allowed, forms))) or detail["msg"]
    if detail["type"] == "missing":
        return f"is missing; write {allowed}"
    names = [str(name) for form in forms for name in form.get("enum", [])]
    if names and isinstance(detail["input"], str):
        return f"unknown name {detail['input']!r}; {suggestion(detail['input'], names)}"
    return f"must be {allowed}, not {_shown(detail['input'])}"


def _wrong_key(detail: ErrorDetails) -> str:
    """What a key must be, where the keys of a table are numbers or names with bounds."""
    bounds = detail.get("ctx", {}).items()
    limits = [f"{_LIMITS[name]} {bound}" for name, bound in bounds if name in _LIMITS]
    allowed = " and ".join(limits) or "that the table knows"
    return f"{detail['input']!r} is no key here; write one {allowed}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _at(schema: Schema, place: KeyPath) -> list[Schema]:
    """The forms that the value at `place` may have."""
    forms = list(_forms(schema, schema))
    for part in place:
        inner = [_inner(form, part) for form in forms]
        forms = [form for each in inner if each is not None for form in _forms(each, schema)]
    return forms


def _inner(form: Schema, part: int | str) -> Schema | None:
    if isinstance(part, int) and form.get("type") == "array":
        items = [*form.get("prefixItems", []), *[form.get("items")] * (part + 1)]
        return items[part] if isinstance(items[part], dict) else None
    inner = form.get("properties", {}).get(part, form.get("additionalProperties"))
    return inner if isinstance(inner, dict) else None


def _forms(schema: Schema, whole: Schema) -> Iterator[Schema]:
    """The forms that `schema` stands for, references followed."""
    if "$ref" in schema:
        yield from _forms(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    elif "anyOf" in schema or "oneOf" in schema:
        for form in schema.get("anyOf", schema.get("oneOf", [])):
            yield from _forms(form, whole)
    elif schema.get("type") != "null":
        yield schema


def _allowed(form: Schema) -> str:
    """What a value of this form looks like."""
    if "enum" in form:
        return f"one of {', '.join(map(repr, form['enum']))}"
    if "const" in form:
        return repr(form["const"])
    match form.get("type"):
        case "integer":
            return f"a whole number{_range(form, 'minimum', 'maximum')}"
        case "number":
            return f"a number{_range(form, 'minimum', 'maximum')}"
        case "boolean":
            return "true or false"
        case "array":
            return f"a list{_range(form, 'minItems', 'maxItems')}"
        case "object":
            return "a table"
    return _allowed_text(form)


def _allowed_text(form: Schema) -> str:
    if "ge" in form or "le" in form:
        limits = {key: format_duration(form[key]) for key in ("ge", "le") if form.get(key)}
        return f"a duration like 500ms 30s 10m 2h 7d{_range(limits, 'ge', 'le')}"
    if form.get("examples"):
        return f"a text like {form['examples'][0]!r}"
    return "a path in quotes" if form.get("format") == "path" else "a text in quotes"


def _range(form: Schema, lowest: str, highest: str) -> str:
    low, high = form.get(lowest), form.get(highest)
    if low is not None and high is not None:
        return f" from {low} to {high}"
    limits = {
        "of at least": low,
        "of at most": high,
        "above": form.get("exclusiveMinimum"),
        "below": form.get("exclusiveMaximum"),
    }
    words = [f"{word} {limit}" for word, limit in limits.items() if limit is not None]
    return f" {' and '.join(words)}" if words else ""
