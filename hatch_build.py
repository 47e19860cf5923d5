"""Packs the console's scripts into the wheel, or fails: without them its page never connects."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleAssets(BuildHookInterface[Any]):
    """Fetches what `console/assets.py` names, unless it is there."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before a wheel is built; raises RuntimeError with what to do."""
        # The village box's package leaves the console out.
        if version == "editable" or "HEARTHWATCH_WITHOUT_CONSOLE" in os.environ:
            return
        assets = _assets(Path(self.root))
        if not assets.missing():
            return
        try:
            assets.install()
        except assets.AssetError as error:
            message = f"the console's scripts are missing: {error}; or run `make wheel`"
            raise RuntimeError(message) from error


def _assets(root: Path) -> ModuleType:
    """The module of the tree that is built, which is not installed here."""
    spec = importlib.util.spec_from_file_location("assets", root / "console" / "assets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
