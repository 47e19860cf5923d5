"""Locked packages (deploy/requirements) fit pyproject.toml, and each has its hashes.

Needs no network: whatever pyproject.toml asks for stands in the lock in a version that it allows,
nothing else is said to be asked for by it, and no package has two different versions in two locks.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER: Final = "deploy/requirements"
_ENTRY: Final = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)")
_ASKED_FOR: Final = "hearthwatch (pyproject.toml"


@dataclass(slots=True)
class LockedPackage:
    """An entry of a lock; `asked_for` by pyproject.toml itself, not only by another package."""

    name: str
    version: str
    hashes: int = 0
    asked_for: bool = False


@dataclass(slots=True)
class Lock:
    """A file of locked packages and what pyproject.toml asks for in it."""

    path: Path
    required: Sequence[Requirement]
    packages: list[LockedPackage] = field(default_factory=list)

    def versions(self, name: str) -> set[str]:
        """Return the versions of a package; one that depends on the Python may have several."""
        return {package.version for package in self.packages if package.name == name}


def main(root: Path) -> int:
    """Compare all locks below `root`, print what does not fit, and return the exit code."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    locks = list(_locks(root, project))
    failures = [f"{lock.path.name}: {fault}" for lock in locks for fault in faults(lock, locks[0])]
    print(f"locks: {len(locks)} files, {len(failures)} faults")
    print("\n".join(f"{failure}; run `make lock`" for failure in failures), end="")
    print("\n" if failures else "", end="")
    return 1 if failures else 0


def faults(lock: Lock, first: Lock) -> Iterator[str]:
    """Yield what in a lock does not fit pyproject.toml, or the first lock."""
    for needed in lock.required:
        versions = lock.versions(canonicalize_name(needed.name))
        if not versions:
            yield f"{needed.name} is missing"
        for version in sorted(versions):
            if not needed.specifier.contains(version, prereleases=True):
                yield f"{needed.name} {version} is not {needed.specifier}"
    names = {canonicalize_name(needed.name) for needed in lock.required}
    for package in lock.packages:
        if not package.hashes:
            yield f"{package.name} has no hash"
        if package.asked_for and package.name not in names:
            yield f"{package.name} is no longer asked for"
        elsewhere = first.versions(package.name)
        if elsewhere and package.version not in elsewhere:
            yield f"{package.name} {package.version} is another version than in {first.path.name}"


def parse(lines: Iterable[str]) -> list[LockedPackage]:
    """Return the entries of a lock."""
    packages: list[LockedPackage] = []
    for line in lines:
        entry = _ENTRY.match(line)
        if entry:
            packages.append(LockedPackage(canonicalize_name(entry[1]), entry[2]))
        elif packages and "--hash=" in line:
            packages[-1].hashes += 1
        elif packages and _ASKED_FOR in line:
            packages[-1].asked_for = True
    return packages


def _locks(root: Path, project: Mapping[str, Any]) -> Iterator[Lock]:
    groups = project.get("dependency-groups", {})
    for name, parts in project["tool"]["hearthwatch"]["locks"].items():
        texts = [text for group in parts.get("groups", ()) for text in groups[group]]
        texts += _of_extras(project["project"], parts.get("extras", ()))
        path = root / FOLDER / f"{name}.txt"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        yield Lock(path, [Requirement(text) for text in texts], parse(lines))


def _of_extras(project: Mapping[str, Any], extras: Iterable[str]) -> list[str]:
    """What some extras of the project ask for, and those extras that they name."""
    texts: list[str] = []
    for extra in extras:
        for text in project["optional-dependencies"][extra]:
            needed = Requirement(text)
            own = needed.name == project["name"]
            texts += _of_extras(project, sorted(needed.extras)) if own else [text]
    return texts


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
