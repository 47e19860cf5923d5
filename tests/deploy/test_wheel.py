"""The wheel: it holds the console's scripts or is not built, and runs outside the tree."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from console import assets
from tests.servers import free_port, wait_until

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "config")


def build(tree: Path, into: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build a wheel with the build backend that is installed here: no network is needed."""
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    return subprocess.run(
        [sys.executable, "-c", code, str(into)],
        cwd=tree,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the wheel is made of."""
    if assets.missing():
        assets.install()
    copy = tmp_path_factory.mktemp("tree")
    packages = [path.parent.name for path in ROOT.glob("*/__init__.py")]
    for name in (*SOURCES, *packages):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("dist")
    built = build(tree, into)
    assert built.returncode == 0, built.stderr
    return next(into.glob("hearthwatch-*.whl"))


def test_the_wheel_holds_every_script_and_the_configuration(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"console/static/vendor/{name}" for name in assets.FILES} <= names
    assert "hearthwatch/config/examples/server.toml" in names
    assert not any(name.startswith(("tests/", "bench/", "checks/")) for name in names)


def test_a_wheel_without_the_scripts_is_not_built(tree: Path, tmp_path: Path) -> None:
    bare = tmp_path / "tree"
    shutil.copytree(tree, bare)
    shutil.rmtree(bare / "console" / "static" / "vendor")
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    npm.chmod(0o755)
    built = build(bare, tmp_path, PATH=f"{npm.parent}:{os.environ['PATH']}")
    assert built.returncode != 0
    assert "the console's scripts are missing" in built.stderr
    assert "make wheel" in built.stderr


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """The command of a fresh environment that holds the wheel and the packages it needs."""
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    scheme = {"base": str(home), "platbase": str(home)}
    packages = Path(sysconfig.get_path("purelib", vars=scheme))
    zipfile.ZipFile(wheel).extractall(packages)
    # Needed packages come from here; the tree itself does not: its own .pth counts here only.
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    broker = Path(sysconfig.get_path("scripts")) / "nats-server"
    (home / "bin" / "nats-server").symlink_to(broker)
    command = home / "bin" / "hearthwatch"
    start = "from hearthwatch.__main__ import main; main()"
    command.write_text(f"#!{home}/bin/python\n{start}\n")
    command.chmod(0o755)
    return command


def test_the_wheel_runs_the_demo_with_four_zeros_and_a_live_page(
    installed: Path, tmp_path: Path
) -> None:
    port, report = free_port(), tmp_path / "report.json"
    words = ["demo", "--port", str(port), "--mqtt-port", str(free_port()), "--units", "12"]
    ended = ["--for", "35s", "--report", str(report), "--data", str(tmp_path / "data"), "--json"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with subprocess.Popen(
        [installed, *words, *ended], cwd=tmp_path, env=clean, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        ready = json.loads(demo.stdout.readline())
        where = subprocess.run(
            [installed.parent / "python", "-c", "import console; print(console.__file__)"],
            cwd=tmp_path,
            env=clean,
            capture_output=True,
            text=True,
            check=True,
        )
        assert str(tmp_path) in where.stdout
        with sync_playwright() as playwright:
            arguments = ["--no-sandbox", "--disable-gpu"]
            chromium = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=arguments
            )
            page = chromium.new_page(
                extra_http_headers={"Authorization": f"Bearer {ready['token']}"}
            )
            page.goto(ready["console"])
            live = page.locator("body[data-connection=live]")
            expect(live).to_have_count(1, timeout=15_000)
            chromium.close()
        demo.wait(120)
    result = json.loads(report.read_text())
    assert [result[name] for name in ("lost", "duplicated", "missed", "false")] == [0] * 4
    assert result["readings_stored"] > 0
    wait_until(lambda: demo.returncode == 0, 1)
