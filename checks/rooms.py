"""The size and the order of each package, as figures.

`python -m checks.rooms [PATH]` prints a table for the checkout at PATH (default: this one) and
fails for a cycle between rooms and for a module that is too long.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from checks import imports, tree

LONGEST_MODULE: Final = 400
LONGEST_LINE: Final = 100
_OUTSIDE: Final = frozenset({"tests"})
_HEAD: Final = (
    *("package", "modules", "folders", "floors", "arrows", "rooms", "floors", "arrows"),
    *("p50", "p90", "max", "longest module", ">100 %"),
)


@dataclass(frozen=True)
class Figures:
    """The figures of one package, or of all.

    `floors` and `arrows` count modules, `room_floors` and `room_arrows` the rooms directly in the
    package. `functions` are lengths in lines, sorted; `lines_by_module` holds paths and lengths.
    """

    package: str
    folders: int
    floors: int
    arrows: int
    rooms: int
    room_floors: int
    room_arrows: int
    functions: tuple[int, ...]
    lines_by_module: dict[str, int]
    long_lines: int

    def row(self) -> tuple[str, ...]:
        """Return the figures as the cells of a table."""
        longest = max(self.lines_by_module.items(), key=lambda item: item[1], default=("", 0))
        lines = sum(self.lines_by_module.values())
        return (
            *(self.package, str(len(self.lines_by_module)), str(self.folders)),
            *(str(self.floors), str(self.arrows)),
            *(str(self.rooms), str(self.room_floors), str(self.room_arrows)),
            *(str(quantile(self.functions, share)) for share in (0.5, 0.9, 1.0)),
            f"{longest[0]} {longest[1]}",
            f"{100 * self.long_lines / max(lines, 1):.1f}",
        )


def main(root: Path) -> int:
    """Print the table of the checkout at `root`, then cycles and long modules; return the code."""
    packages = sorted(_packages(root))
    graph = imports.module_graph(root, packages)
    figures = [figures_of(root, package, graph) for package in packages]
    print(_table([_HEAD, *(each.row() for each in (*figures, total(figures, graph)))]))
    failures = [*_cycles(graph), *_long_modules(figures)]
    print(f"rooms: {len(packages)} packages, {len(failures)} cycles and modules that are too long")
    print("\n".join(failures), end="\n" if failures else "")
    return 1 if failures else 0


def figures_of(root: Path, package: str, graph: imports.Graph) -> Figures:
    """Return the figures of `package`; `graph` holds the imports between all modules."""
    modules = imports.inside(graph, package)
    rooms = imports.rooms(graph, package)
    texts = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in tree.files(root / package, ".py")
        if path.name != "__init__.py"
    }
    return Figures(
        package=package,
        folders=len([folder for folder in imports.folders(modules) if folder != package]),
        floors=imports.floors(modules),
        arrows=imports.arrows(modules),
        rooms=len(rooms),
        room_floors=imports.floors(rooms),
        room_arrows=imports.arrows(rooms),
        functions=tuple(sorted(n for text in texts.values() for n in function_lengths(text))),
        lines_by_module={name: len(text.splitlines()) for name, text in texts.items()},
        long_lines=sum(
            len(line) > LONGEST_LINE for text in texts.values() for line in text.splitlines()
        ),
    )


def total(figures: Sequence[Figures], graph: imports.Graph) -> Figures:
    """Return the figures of the whole house, whose rooms are the packages."""
    rooms = imports.rooms(graph, "")
    return Figures(
        package="total",
        folders=sum(package.folders for package in figures),
        floors=imports.floors(graph),
        arrows=imports.arrows(graph),
        rooms=len(rooms),
        room_floors=imports.floors(rooms),
        room_arrows=imports.arrows(rooms),
        functions=tuple(sorted(n for package in figures for n in package.functions)),
        lines_by_module={
            name: lines for package in figures for name, lines in package.lines_by_module.items()
        },
        long_lines=sum(package.long_lines for package in figures),
    )


def function_lengths(source: str) -> Iterator[int]:
    """Yield the length of each function in lines, from `def` to its end without the docstring."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)


def quantile(values: Sequence[int], share: float) -> int:
    """Return the smallest of the sorted `values` that at least `share` of them do not exceed."""
    if not values:
        return 0
    at_most = -(-share * len(values) // 1)
    return values[max(int(at_most) - 1, 0)]


def _packages(root: Path) -> Iterator[str]:
    for name in tree.top_folders(root) - _OUTSIDE:
        if (root / name / "__init__.py").exists():
            yield name


def _docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    if ast.get_docstring(function) is None:
        return 0
    return (first.end_lineno or first.lineno) - first.lineno + 1


def _cycles(graph: imports.Graph) -> Iterator[str]:
    for folder in ["", *imports.folders(graph)]:
        for cycle in imports.cycles(imports.rooms(graph, folder)):
            yield f"these rooms import each other: {', '.join(cycle)}"


def _long_modules(figures: Sequence[Figures]) -> Iterator[str]:
    for package in figures:
        for module, lines in package.lines_by_module.items():
            if lines > LONGEST_MODULE:
                yield f"{module} has {lines} lines, more than {LONGEST_MODULE}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(padded)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd()))
