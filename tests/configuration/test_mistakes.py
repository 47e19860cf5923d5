"""Messages name the key and what is allowed, in the words of the field and never of a library."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from configuration.load import (
    ConfigurationError,
    ConfigurationProblem,
    noting,
    read_toml,
    validate,
)
from gateway_agent.profile.schema import Profile
from gateway_agent.settings import GatewaySettings
from hearthwatch.run.server_settings import ServerSettings
from simulators.scenario.scenario import Scenario

CONFIG = Path(__file__).parents[2] / "config"
FILES: list[tuple[Path, type[BaseModel]]] = [
    (CONFIG / "examples" / "gateway.toml", GatewaySettings),
    (CONFIG / "examples" / "server.toml", ServerSettings),
    (CONFIG / "profiles" / "haier-yr-e27.toml", Profile),
    (CONFIG / "scenarios" / "bad-line.toml", Scenario),
]
LIBRARY = re.compile(
    r"[Ii]nput should|Extra inputs|[Ff]ield required|constrained|function-|\[key\]|type=|pydantic"
    r"|valid (string|integer|number|boolean|list|dictionary)|literal|instance of"
)
WRONG: tuple[object, ...] = ("?", -1e300, 2**70, True, [], [[]], {}, {"?": "?"})


def places(value: Any, place: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    """Every value of a document but those that repeat the shape of an earlier one."""
    if place:
        yield place
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:2]):
            yield from places(inner, (*place, index))


def spoilt(document: Any, place: tuple[int | str, ...], wrong: object) -> Any:
    """A copy of `document` with `wrong` at `place`."""
    first, *rest = place
    copy = document.copy()
    copy[first] = spoilt(document[first], tuple(rest), wrong) if rest else wrong
    return copy


@pytest.mark.parametrize(("path", "model"), FILES, ids=[path.stem for path, _ in FILES])
def test_no_message_speaks_of_the_library(path: Path, model: type[BaseModel]) -> None:
    document, refused = read_toml(path), 0
    for place in places(document):
        for wrong in WRONG:
            problems: list[ConfigurationProblem] = []
            with noting(problems):
                validate(spoilt(document, place, wrong), model, path)
            refused += len(problems)
            assert not [problem for problem in problems if LIBRARY.search(str(problem))]
            assert all(problem.message for problem in problems)
    assert refused > 50


def messages(document: dict[str, Any]) -> dict[str, str]:
    example = read_toml(CONFIG / "examples" / "gateway.toml")
    with pytest.raises(ConfigurationError) as caught:
        validate(example | document, GatewaySettings, Path("gateway.toml"))
    return {problem.key: problem.message for problem in caught.value.problems}


def test_a_message_holds_what_is_allowed_and_did_you_mean() -> None:
    bus = {"url": "tcp://h:502", "device": [{"id": "a", "address": 1, "profil": "phnix"}]}
    top = {"intervall": "30s", "slow_every": "x", "interval": "1ms"}
    seen = messages(top | {"bus": [bus], "journal": {"path": "j", "max_mb": 0}})
    assert seen.pop("intervall").startswith("unknown key; did you mean 'interval'? known are dist")
    assert seen == {
        "slow_every": "must be a whole number from 1 to 10000, not 'x'",
        "interval": "must be a duration like 500ms 30s 10m 2h 7d from 1s to 1d, not '1ms'",
        "journal.max_mb": "must be a whole number from 1 to 65536, not 0",
        "bus[0].device[0].profile": "is missing; write a text in quotes",
        "bus[0].device[0].profil": "unknown key; did you mean 'profile'? "
        "known are id, address, profile",
    }


def test_mistakes_of_one_table_hide_none_of_another() -> None:
    bus = {"url": "tcp://h:502", "device": [{"id": "a", "address": 1, "profile": "phnix"}] * 2}
    seen = messages({"mqtt": {"url": "http://x", "keepalive_s": 1}, "bus": [bus], "town": "T"})
    assert seen.keys() == {
        "town",
        "mqtt.url",
        "mqtt.keepalive_s",
        "bus[0].device[1].id",
        "bus[0].device[1].address",
    }
    assert seen["bus[0].device[1].id"] == "the same as bus[0].device[0].id; it must be unique"
