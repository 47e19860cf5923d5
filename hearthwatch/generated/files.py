"""Files that are made from code and committed, so that people find them: the JSON Schemas of
configuration files and a page for each profile.

`python -m hearthwatch.generated.files` writes them; with `--check` it exits with 1 if one is out of
date.
"""

import json
import sys
from pathlib import Path

from gateway_agent.profile.loading import load_profile
from hearthwatch.generated.configuration_kinds import schemas
from hearthwatch.generated.profile_pages import page


def generated_files(root: Path) -> dict[Path, str]:
    """What each generated file should hold, by path below `root`, the project's folder."""
    described = {
        root / "config" / "schema" / f"{name}.schema.json": json.dumps(
            document, indent=2, ensure_ascii=False
        )
        + "\n"
        for name, document in schemas().items()
    }
    folder = root / "config" / "profiles"
    names = sorted(path.stem for path in folder.glob("*.toml"))
    return described | {
        root / "docs" / "profiles" / f"{name}.md": page(load_profile(name, [folder]))
        for name in names
    }


def out_of_date(root: Path) -> list[Path]:
    """The generated files that are missing or differ from what they should hold."""
    return [
        path
        for path, text in generated_files(root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def _main(arguments: list[str]) -> int:
    root = Path(__file__).parents[2]
    stale = out_of_date(root)
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"out of date: {path.relative_to(root)}; run make format\n")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(generated_files(root)[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
