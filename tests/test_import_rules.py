"""Who may import whom (the contracts stand in pyproject.toml) holds."""

import os
from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports


def test_import_contracts_hold() -> None:
    os.chdir(Path(__file__).parent.parent)
    assert lint_imports(no_cache=True) == EXIT_STATUS_SUCCESS
