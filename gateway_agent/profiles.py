"""Find and load profiles; a profile is used only when everything in it fits together."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from configuration.load import ConfigurationError, Problem, read_toml, validate
from gateway_agent.profile import Profile


def load_profile(name_or_path: str, search: Sequence[Path]) -> Profile:
    """The profile called `name_or_path` in one of the folders `search`, or the one in that TOML file.

    Raises ConfigurationError with every mistake at once.
    """
    path = find_profile(name_or_path, search)
    profile = validate(read_toml(path), Profile, path)
    problems = [Problem(path, key, message) for key, message in profile.problems()]
    if problems:
        raise ConfigurationError(problems)
    return profile


def load_profiles(references: Iterable[str], search: Sequence[Path]) -> dict[str, Profile]:
    """Each referenced profile by the text that refers to it; raises ConfigurationError with all mistakes of all."""
    profiles: dict[str, Profile] = {}
    problems: list[Problem] = []
    for reference in dict.fromkeys(references):
        try:
            profiles[reference] = load_profile(reference, search)
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return profiles


def find_profile(name_or_path: str, search: Sequence[Path]) -> Path:
    """The file a profile reference means; one that ends in `.toml` is a path, all else a name in `search`."""
    if name_or_path.endswith(".toml"):
        return Path(name_or_path)
    candidates = [folder / f"{name_or_path}.toml" for folder in search]
    for path in candidates:
        if path.is_file():
            return path
    known = sorted({path.stem for folder in search for path in folder.glob("*.toml")})
    raise ConfigurationError(
        [Problem(Path(f"{name_or_path}.toml"), "", f"no such profile; there are: {', '.join(known) or 'none'}")]
    )
