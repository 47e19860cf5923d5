"""Who imports whom in a tree of packages, and what follows from it: floors and cycles.

A graph is a mapping from each node to the set of nodes that it imports.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from checks import tree

Graph: TypeAlias = Mapping[str, frozenset[str]]


def module_graph(root: Path, packages: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the imports between the modules of `packages`, both by dotted name.

    An `__init__.py` without code is no module; imports inside functions count.
    """
    trees = {}
    for package in packages:
        for path in tree.files(root / package, ".py"):
            parsed = ast.parse(path.read_text(encoding="utf-8"))
            if path.name != "__init__.py" or _has_code(parsed):
                trees[_dotted(path.relative_to(root))] = parsed
    return {
        name: frozenset(_imported(parsed, trees.keys())) - {name} for name, parsed in trees.items()
    }


def inside(graph: Graph, package: str) -> dict[str, frozenset[str]]:
    """Return the part of a module graph that lies in `package`."""
    nodes = {node for node in graph if f"{node}.".startswith(f"{package}.")}
    return {node: graph[node] & nodes for node in sorted(nodes)}


def rooms(graph: Graph, folder: str) -> dict[str, frozenset[str]]:
    """Return the imports between the rooms of `folder`: each subfolder or module directly in it.

    `folder` is a dotted name, or empty for the whole house, whose rooms are the packages.
    """
    nodes = graph if not folder else inside(graph, folder)
    result: dict[str, set[str]] = {}
    for node in nodes:
        room = _room(node, folder)
        result.setdefault(room, set())
        result[room] |= {_room(other, folder) for other in nodes[node]} - {room}
    return {room: frozenset(others) for room, others in sorted(result.items())}


def folders(graph: Graph) -> list[str]:
    """Return the dotted names of all folders that hold modules, at any depth."""
    parts_of_modules = [module.split(".") for module in graph]
    return sorted(
        {".".join(parts[:depth]) for parts in parts_of_modules for depth in range(1, len(parts))}
    )


def arrows(graph: Graph) -> int:
    """Return the number of import edges."""
    return sum(len(others) for others in graph.values())


def floors(graph: Graph) -> int:
    """Return the number of floors: a node stands above all that it imports.

    The nodes of a cycle share one floor.
    """
    circle_of = {node: circle for circle in circles(graph) for node in circle}
    level: dict[frozenset[str], int] = {}
    for circle in circles(graph):
        below = {circle_of[other] for node in circle for other in graph[node]} - {circle}
        level[circle] = 1 + max((level[other] for other in below), default=0)
    return max(level.values(), default=0)


def cycles(graph: Graph) -> list[list[str]]:
    """Return the groups of nodes that import each other, directly or not."""
    return [sorted(circle) for circle in circles(graph) if len(circle) > 1]


def circles(graph: Graph) -> list[frozenset[str]]:
    """Return the strongly connected groups of nodes, those that are imported first.

    A node outside of all cycles is a group of its own (Kosaraju's algorithm).
    """
    importers: dict[str, set[str]] = {node: set() for node in graph}
    for node, others in graph.items():
        for other in others:
            importers[other].add(node)
    done: set[str] = set()
    order = [node for start in graph for node in _finished(start, importers, done)]
    done = set()
    groups = [frozenset(_finished(start, graph, done)) for start in reversed(order)]
    return [group for group in groups if group]


def _finished(start: str, graph: Mapping[str, Iterable[str]], done: set[str]) -> Iterator[str]:
    """Yield the nodes that `start` leads to and that are not `done`, each after its own."""
    if start in done:
        return
    done.add(start)
    open_nodes = [(start, iter(sorted(graph[start])))]
    while open_nodes:
        node, others = open_nodes[-1]
        following = next((other for other in others if other not in done), None)
        if following is None:
            open_nodes.pop()
            yield node
        else:
            done.add(following)
            open_nodes.append((following, iter(sorted(graph[following]))))


def _room(module: str, folder: str) -> str:
    depth = len(folder.split(".")) if folder else 0
    return ".".join(module.split(".")[: depth + 1])


def _imported(parsed: ast.Module, modules: Iterable[str]) -> Iterator[str]:
    known = frozenset(modules)
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                name = module if module in known else node.module
                if name in known:
                    yield name


def _has_code(parsed: ast.Module) -> bool:
    return any(
        not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in parsed.body
    )


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
