"""`make lock`: write deploy/requirements/*.txt, every package with its version and its hashes.

The versions that the files hold are kept where pyproject.toml still allows them; arguments go on to
`uv pip compile` (`make lock LOCK=--upgrade` takes the newest). The first file, with everything for
development, decides the versions of the others.
"""

import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = "deploy/requirements"
OLDEST_PYTHON: Final = "3.11"


def command(name: str, parts: Mapping[str, Sequence[str]], first: str) -> list[str]:
    """Return the call of uv that writes the file `name`, as its line of pyproject.toml says."""
    words = ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
    words += ["--no-emit-index-url", "--python-version", OLDEST_PYTHON]
    words += ["--custom-compile-command", "make lock"]
    words += [word for extra in parts.get("extras", ()) for word in ("--extra", extra)]
    words += [word for group in parts.get("groups", ()) for word in ("--group", group)]
    words += ["--constraints", f"{FOLDER}/{first}.txt"] if name != first else []
    words += ["pyproject.toml"] if "extras" in parts else []
    return [*words, "--output-file", f"{FOLDER}/{name}.txt"]


def main(arguments: Sequence[str]) -> None:
    """Write every file that pyproject.toml names; raises CalledProcessError."""
    locks = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hearthwatch"]["locks"]
    uv = Path(sys.executable).with_name("uv")
    for name, parts in locks.items():
        words = command(name, parts, next(iter(locks)))
        subprocess.run([uv, *words[1:], *arguments], cwd=ROOT, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
