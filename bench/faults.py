"""`python -m bench.faults [PYTEST ARGUMENTS]`: every fault test, and one table of what each cost.

Exits 1 if a test failed.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

_PLAIN_WIDTH: Final = 140  # columns where standard output is not a terminal
_FIGURES: Final = {
    "trials": "trials",
    "lost": "lost",
    "doubled": "doubled",
    "missed": "missed",
    "false": "false",
    "blind_s": "blind s",
    "seconds": "seconds",
}


def main(arguments: Sequence[str]) -> int:
    """Run the tests marked `fault`, print their figures, and return 1 if one of them failed."""
    with tempfile.TemporaryDirectory(prefix="hearthwatch-faults-") as folder:
        file = Path(folder) / "faults.jsonl"
        file.touch()
        code = _run(arguments, file)
        print_faults([json.loads(line) for line in file.read_text().splitlines()])
    return 1 if code else 0


def _run(arguments: Sequence[str], file: Path) -> int:
    command = [sys.executable, "-m", "pytest", "-v", "-m", "fault", "tests/faults", *arguments]
    environment = {**os.environ, "HEARTHWATCH_FAULTS": str(file)}
    return subprocess.run(command, env=environment, check=False).returncode


def print_faults(faults: Sequence[dict[str, Any]]) -> None:
    """Print one row for each test, in the order of the faults; what was not measured is empty."""
    table = Table(box=None, pad_edge=False)
    table.add_column("fault", no_wrap=True)
    table.add_column("test", min_width=30)
    for heading in _FIGURES.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for fault in sorted(faults, key=lambda fault: _in_order(str(fault["fault"]))):
        table.add_row(*_cells(fault), style=None if fault["outcome"] == "passed" else "red")
    Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH).print(table)


def _in_order(fault: str) -> list[str]:
    """Return a key that puts A10 behind A9."""
    return [part.zfill(3) if part.isdigit() else part for part in re.split(r"(\d+)", fault)]


def _cells(fault: dict[str, Any]) -> list[str]:
    name = str(fault["test"]).removeprefix("test_").replace("_", " ")
    if fault["outcome"] != "passed":
        name = f"{name} ({fault['outcome']})"
    figures = [f"{fault[key]:,.4g}" if key in fault else "" for key in _FIGURES]
    return [str(fault["fault"]), name, *figures]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
