"""The generated files: JSON Schemas of configuration, pages of profiles, life cycles, rights."""

import json
from pathlib import Path

from gateway_agent.profile.loading import load_profile
from hearthwatch.generated import configuration_page, life_cycles, rights_page
from hearthwatch.generated.configuration_kinds import schemas
from hearthwatch.generated.profile_pages import page


def generated_files(root: Path) -> dict[Path, str]:
    """Return the text of each generated file, by path below `root`, the project's folder."""
    described = {
        root / "config" / "schema" / f"{name}.schema.json": json.dumps(
            document, indent=2, ensure_ascii=False
        )
        + "\n"
        for name, document in schemas().items()
    }
    folder = root / "config" / "profiles"
    names = sorted(path.stem for path in folder.glob("*.toml"))
    described[root / "docs" / "life-cycles.md"] = life_cycles.page()
    described[root / "docs" / "configuration.md"] = configuration_page.page()
    described[root / "docs" / "rights.md"] = rights_page.page()
    return described | {
        root / "docs" / "profiles" / f"{name}.md": page(load_profile(name, [folder]))
        for name in names
    }


def out_of_date(root: Path) -> list[Path]:
    """Return the generated files that are missing or differ from their text."""
    return [
        path
        for path, text in generated_files(root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
