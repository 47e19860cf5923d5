"""Where the data files that ship with the software are: profiles, rules, scenarios, examples."""

from pathlib import Path


def config_folder() -> Path:
    """The `config/` folder: inside the package when installed from a wheel, beside it in a
    checkout."""
    package = Path(__file__).parents[1]
    packed = package / "config"
    return packed if packed.is_dir() else package.parent / "config"


def profile_folders() -> list[Path]:
    """Where register maps are looked for by name."""
    return [config_folder() / "profiles"]
