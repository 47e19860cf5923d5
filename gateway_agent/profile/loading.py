"""Find and load profiles; a profile is used only when everything in it fits together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configuration.load import ConfigurationError, ConfigurationProblem, read_toml, validate
from gateway_agent.profile.consistency import contradictions
from gateway_agent.profile.overlay import BASE, REMOVE, merge
from gateway_agent.profile.schema import Profile
from gateway_agent.settings import GatewaySettings


class ProfileMissingError(LookupError):
    """No profile of that name; the message says which there are."""


def load_profile(name_or_path: str, search: Sequence[Path]) -> Profile:
    """The profile called `name_or_path` in one of the folders `search`, or the one in that TOML
    file.

    An overlay is merged with its base first. Raises ConfigurationError with every mistake at once,
    or ProfileMissingError.
    """
    return _load(find_profile(name_or_path, search), search)[0]


def load_profiles(
    settings: GatewaySettings, search: Sequence[Path], file: Path
) -> dict[str, Profile]:
    """The profiles that the devices of `settings` name, each by its reference; `file` is where
    `settings` stand.

    Raises ConfigurationError with all mistakes of all profiles, and the key of every device whose
    profile is missing.
    """
    profiles: dict[str, Profile] = {}
    problems: list[ConfigurationProblem] = []
    for reference, key in settings.profile_references().items():
        try:
            profiles[reference] = load_profile(reference, search)
        except ProfileMissingError as error:
            problems.append(ConfigurationProblem(file, key, str(error)))
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return profiles


def find_profile(name_or_path: str, search: Sequence[Path]) -> Path:
    """The file a profile reference means; one that ends in `.toml` is a path, all else a name in
    `search`.

    Raises ProfileMissingError saying which names there are.
    """
    if name_or_path.endswith(".toml"):
        return Path(name_or_path)
    candidates = [folder / f"{name_or_path}.toml" for folder in search]
    for path in candidates:
        if path.is_file():
            return path
    known = sorted({path.stem for folder in search for path in folder.glob("*.toml")})
    raise ProfileMissingError(
        f"no profile is called {name_or_path!r}; there are: {', '.join(known) or 'none'}"
    )


def _load(
    path: Path, search: Sequence[Path], above: tuple[Path, ...] = ()
) -> tuple[Profile, dict[str, Any]]:
    """The profile in `path`, and the whole document it was made of; `above` are the overlays that
    led here."""
    document = read_toml(path)
    if BASE in document:
        base_path = _base_path(document, path, search, (*above, path.resolve()))
        _, base = _load(base_path, search, (*above, path.resolve()))
        check_removed(document, base, path)
        document = merge(base, document)
    profile = validate(document, Profile, path)
    problems = [
        ConfigurationProblem(path, key, message) for key, message in contradictions(profile)
    ]
    if problems:
        raise ConfigurationError(problems)
    return profile, document


def _base_path(
    document: dict[str, Any], path: Path, search: Sequence[Path], above: tuple[Path, ...]
) -> Path:
    base = document[BASE]
    if not isinstance(base, str):
        raise ConfigurationError(
            [ConfigurationProblem(path, BASE, "must be the name of a profile or a path to one")]
        )
    try:
        found = (
            path.parent / base
            if base.endswith(".toml")
            else find_profile(base, [*search, path.parent])
        )
    except ProfileMissingError as error:
        raise ConfigurationError([ConfigurationProblem(path, BASE, str(error))]) from error
    if found.resolve() in above:
        raise ConfigurationError(
            [ConfigurationProblem(path, BASE, f"{base!r} is built on this profile itself")]
        )
    return found


def check_removed(document: dict[str, Any], base: dict[str, Any], path: Path) -> None:
    """Raise ConfigurationError unless what the overlay `document` in `path` removes are points of
    `base`."""
    removed = document.get(REMOVE, [])
    known = [entry["point"] for entry in base["point"]]
    wrong = (
        removed
        if not isinstance(removed, list)
        else [name for name in removed if name not in known]
    )
    if wrong:
        raise ConfigurationError(
            [ConfigurationProblem(path, REMOVE, f"{wrong!r}: must be a list of points of the base")]
        )


def shipped_profiles(search: Sequence[Path]) -> dict[str, Profile]:
    """Every profile in the folders `search`, by name; raises ConfigurationError as `load_profile`
    does."""
    names = {path.stem for folder in search for path in folder.glob("*.toml")}
    return {name: load_profile(name, search) for name in sorted(names)}
