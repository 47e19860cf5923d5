"""Figures of packages, and the order of rooms."""

from pathlib import Path

import pytest

from checks import imports, rooms
from tests.checks.tree import write

HOUSE = {
    "wire/__init__.py": '"""The lowest."""\n',
    "wire/units.py": "SECOND = 1\n",
    "ingest/__init__.py": "",
    "ingest/service.py": "from ingest.store import rows\nfrom ingest import settings\n",
    "ingest/settings.py": "from wire.units import SECOND\n",
    "ingest/store/__init__.py": "",
    "ingest/store/rows.py": "import ingest.settings\nfrom ingest.store.model import Row\n",
    "ingest/store/model.py": "class Row: ...\n",
    "tests/test_all.py": "from ingest import service\n",
}


def test_a_house_in_order_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rooms.main(write(tmp_path, HOUSE)) == 0
    printed = capsys.readouterr().out
    # modules, folders, floors, arrows; rooms, their floors and arrows
    assert next(line for line in printed.splitlines() if line.startswith("ingest")).split()[
        1:8
    ] == [
        *("4", "1", "3", "4"),
        *("3", "3", "3"),
    ]
    # the whole: 5 modules, 5 arrows; 2 packages on 2 floors, 1 arrow
    assert next(line for line in printed.splitlines() if line.startswith("total")).split()[1:8] == [
        *("5", "1", "4", "5"),
        *("2", "2", "1"),
    ]
    assert "tests" not in printed


@pytest.mark.parametrize(
    ("module", "source", "cycle"),
    [
        (
            "ingest/settings.py",
            "from ingest.store.model import Row\n",
            "ingest.settings, ingest.store",
        ),
        ("wire/units.py", "import ingest.store.model\n", "ingest, wire"),
        (
            "ingest/store/model.py",
            "from ingest.store import rows\n",
            "store.model, ingest.store.rows",
        ),
    ],
)
def test_rooms_that_import_each_other_fail(
    tmp_path: Path, module: str, source: str, cycle: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rooms.main(write(tmp_path, {**HOUSE, module: source})) == 1
    assert cycle in capsys.readouterr().out


def test_an_import_inside_a_function_counts(tmp_path: Path) -> None:
    lazy = "def later() -> None:\n    from ingest import service\n    service\n"
    assert rooms.main(write(tmp_path, {**HOUSE, "wire/units.py": lazy})) == 1


def test_a_module_that_is_too_long_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rooms.main(write(tmp_path, {**HOUSE, "wire/units.py": "X = 1\n" * 400})) == 0
    assert rooms.main(write(tmp_path, {"wire/units.py": "X = 1\n" * 401})) == 1
    assert "wire/units.py has 401 lines, more than 400" in capsys.readouterr().out


def test_functions_are_measured_without_their_docstring() -> None:
    source = 'def a():\n    """One.\n\n    Two.\n    """\n    return 1\n\ndef b(): ...\n'
    assert sorted(rooms.function_lengths(source)) == [1, 2]


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.9, 4), (1.0, 4), (0.25, 1)])
def test_a_quantile_is_one_of_the_values(share: float, value: int) -> None:
    assert rooms.quantile((1, 2, 3, 4), share) == value


def test_long_lines_are_counted(tmp_path: Path) -> None:
    root = write(tmp_path, {"wire/__init__.py": "", "wire/units.py": f"X = 1\n# {'x' * 99}\n"})
    figures = rooms.figures_of(root, "wire", imports.module_graph(root, ["wire"]))
    assert figures.long_lines == 1
    assert figures.row()[-1] == "50.0"


def test_nodes_of_a_cycle_share_a_floor() -> None:
    graph = {
        "a": frozenset({"b"}),
        "b": frozenset({"c"}),
        "c": frozenset({"b", "d"}),
        "d": frozenset[str](),
    }
    assert imports.cycles(graph) == [["b", "c"]]
    assert imports.floors(graph) == 3
