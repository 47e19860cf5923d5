"""Data files that ship with the software: profiles, rules, scenarios, examples."""

from pathlib import Path

from hearthwatch.base.errors import UsageError


def config_folder() -> Path:
    """Return `config/`: inside the package when installed from a wheel, beside it in a checkout."""
    package = Path(__file__).parents[1]
    packed = package / "config"
    return packed if packed.is_dir() else package.parent / "config"


def profile_folders() -> list[Path]:
    """Return the folders in which a register map is looked up by name."""
    return [config_folder() / "profiles"]


def shipped_rule_files(pattern: str = "*.toml") -> list[Path]:
    """Return the shipped rule files that match `pattern`, in order of their names."""
    return sorted(path for path in (config_folder() / "rules").glob(pattern) if path.is_file())


def find_scenario(name: str) -> Path:
    """Return the file of a scenario: a name in config/scenarios, or a path; raise UsageError."""
    shipped = config_folder() / "scenarios" / f"{name}.toml"
    path = shipped if shipped.exists() else Path(name)
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in shipped.parent.glob("*.toml")))
        raise UsageError(f"--scenario: {name!r} is neither a file nor one of {names}")
    return path
