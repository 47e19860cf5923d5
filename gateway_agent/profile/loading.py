"""Find and load profiles; a profile with a contradiction is refused."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from configuration.load import ConfigurationError, ConfigurationProblem, read_toml, validate
from gateway_agent.profile.consistency import contradictions
from gateway_agent.profile.overlay import BASE, REMOVE, merge
from gateway_agent.profile.schema import Profile
from wire.suggestions import suggestion

_WRONG_ROLE: Final = {
    True: "{} is no meter: its profile lacks `meter = true`",
    False: "{} is a meter; name it in [[bus.meter]]",
}


class ProfileMissingError(LookupError):
    """No profile has that name; the message lists the known names."""


def load_profile(name_or_path: str, search: Sequence[Path]) -> Profile:
    """The profile named `name_or_path` in one of the folders `search`, or in that TOML file.

    An overlay is merged with its base first. Raises ConfigurationError with every mistake at once,
    or ProfileMissingError.
    """
    return _load(find_profile(name_or_path, search), search)[0]


def load_profiles(
    references: Mapping[str, str], search: Sequence[Path], file: Path
) -> dict[str, Profile]:
    """The profiles by reference; `references` gives the key of each in the settings in `file`.

    Raises ConfigurationError with all mistakes of all profiles, and with the key of every reference
    whose profile is missing.
    """
    profiles: dict[str, Profile] = {}
    problems: list[ConfigurationProblem] = []
    for reference, key in references.items():
        try:
            profiles[reference] = load_profile(reference, search)
        except ProfileMissingError as error:
            problems.append(ConfigurationProblem(file, key, str(error)))
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return profiles


def check_roles(
    roles: Iterable[tuple[str, str, bool]], profiles: Mapping[str, Profile], file: Path
) -> None:
    """Raise ConfigurationError if a device has the profile of a meter, or a meter that of a device.

    `roles` give, for each in the settings in `file`, its key, its profile, and if it is a meter.
    """
    problems = [
        ConfigurationProblem(file, key, _WRONG_ROLE[is_meter].format(reference))
        for key, reference, is_meter in roles
        if profiles[reference].meter != is_meter
    ]
    if problems:
        raise ConfigurationError(problems)


def find_profile(name_or_path: str, search: Sequence[Path]) -> Path:
    """The file of a profile reference: a path if it ends in `.toml`, else a name in `search`.

    Raises ProfileMissingError with the known names.
    """
    if name_or_path.endswith(".toml"):
        return Path(name_or_path)
    candidates = [folder / f"{name_or_path}.toml" for folder in search]
    for path in candidates:
        if path.is_file():
            return path
    known = sorted({path.stem for folder in search for path in folder.glob("*.toml")})
    raise ProfileMissingError(
        f"no profile is called {name_or_path!r}; {suggestion(name_or_path, known)}"
    )


def _load(
    path: Path, search: Sequence[Path], above: tuple[Path, ...] = ()
) -> tuple[Profile, dict[str, Any]]:
    """The profile in `path`, and its document merged with its bases.

    `above` are the overlays that led here.
    """
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
    if base.endswith(".toml"):
        base_path = path.parent / base
    else:
        try:
            base_path = find_profile(base, [*search, path.parent])
        except ProfileMissingError as error:
            raise ConfigurationError([ConfigurationProblem(path, BASE, str(error))]) from error
    if base_path.resolve() in above:
        raise ConfigurationError(
            [ConfigurationProblem(path, BASE, f"{base!r} is built on this profile itself")]
        )
    return base_path


def check_removed(document: dict[str, Any], base: dict[str, Any], path: Path) -> None:
    """Raise ConfigurationError if an overlay removes a point that its base lacks.

    `document` is the overlay in the file `path`, `base` the document of its base.
    """
    removed = document.get(REMOVE, [])
    known = [entry["point"] for entry in base["point"]]
    wrong = removed
    if isinstance(removed, list):
        wrong = [name for name in removed if name not in known]
    if wrong:
        raise ConfigurationError(
            [ConfigurationProblem(path, REMOVE, f"{wrong!r}: must be a list of points of the base")]
        )


def shipped_profiles(search: Sequence[Path]) -> dict[str, Profile]:
    """Every profile in the folders `search`, by name; raises what `load_profile` raises."""
    names = {path.stem for folder in search for path in folder.glob("*.toml")}
    return {name: load_profile(name, search) for name in sorted(names)}
