"""A field of a rule cannot hide the parser of its name from the fields below it."""

import ast
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

import rules
from rules.document import parse
from rules.document.parse import count
from rules.document.rule import key

MODULES = sorted(Path(rules.__file__).parent.rglob("*.py"))


def test_a_parser_hidden_by_a_field_of_its_name_is_refused_with_the_class() -> None:
    """The field `count` hides the function; without the check, reading a file would fail."""
    with pytest.raises(TypeError, match=r"write it as parse\.NAME"):

        @dataclass
        class _Trapped:
            count: int = key(count)
            at_most: int = key(count)


def test_parsers_of_the_module_serve_any_number_of_fields() -> None:
    @dataclass
    class Counts:
        count: int = key(parse.count)
        at_most: int = key(parse.count)

    parsers = [spec.metadata["parse"] for spec in fields(Counts)]
    assert [parser(3) for parser in parsers] == [3, 3]


def _hidden(tree: ast.Module) -> list[str]:
    """Fields that have the name of a parser which their class uses by its bare name."""
    hidden: list[str] = []
    for model in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        names = {node.target.id for node in model.body if _is_field(node)}
        calls = [node for node in ast.walk(model) if isinstance(node, ast.Call)]
        parsers = [call.args[0] for call in calls if _is_key(call) and call.args]
        hidden += [name.id for name in parsers if isinstance(name, ast.Name) and name.id in names]
    return hidden


def _is_field(node: Any) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def _is_key(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "key"


def test_no_rule_has_a_field_of_a_parsers_name() -> None:
    hidden = {path.name: _hidden(ast.parse(path.read_text("utf-8"))) for path in MODULES}
    assert {name: fields for name, fields in hidden.items() if fields} == {}
