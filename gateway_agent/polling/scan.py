"""Who answers on a line, and whose register map fits. Only reads; nothing is ever written by it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.modbus import Bus, ReplyError
from gateway_agent.bus.read_plan import ReadRequest
from gateway_agent.polling.unit import plan_visits
from gateway_agent.profile.decode import UNKNOWN_FAULTS, UNKNOWN_STATE, Observation, decode
from gateway_agent.profile.fields import Key
from gateway_agent.profile.schema import Profile

# A map fits when this much of its evidence is there, and clearly more than of any other's.
_FITS: Final = 0.5
_CLEARLY: Final = 0.05
# More faults at once than this are not a heat pump's condition but another map's numbers.
_MOST_FAULTS: Final = 3
# What a house's heat pump can show in any season, narrower than what a point may hold at all
# (physics §20.2).
_USUAL: Final[Mapping[str, tuple[float, float]]] = {
    "supply_c": (3, 75),
    "return_c": (3, 70),
    "outdoor_c": (-45, 45),
    "room_c": (3, 40),
    "setpoint_c": (5, 75),
    "discharge_c": (-40, 130),
    "compressor_hz": (0, 130),
    "voltage_v": (170, 440),
    "current_a": (0, 60),
    "power_w": (0, 30_000),
    "flow_lpm": (0, 200),
    "high_bar": (1, 50),
    "low_bar": (0, 30),
}
_MOST_SPREAD_K: Final = 20.0
"""Supply and return water of one heat pump differ by no more."""


@dataclass(frozen=True, slots=True)
class ProfileFit:
    """A profile and how well it fits, 0 to 1."""

    profile: str
    score: float


@dataclass(frozen=True, slots=True)
class FoundUnit:
    """A unit that answers at `address` of `line`; the best candidate stands first."""

    line: LineAddress
    address: int
    candidates: tuple[ProfileFit, ...]

    def to_document(self) -> dict[str, Any]:
        """The unit as a JSON object."""
        candidates = [
            {"profile": each.profile, "score": round(each.score, 2)} for each in self.candidates
        ]
        where = {"bus": self.line.name, "baud": self.line.baud, "address": self.address}
        return where | {"profile": self.profile, "candidates": candidates}

    @property
    def profile(self) -> str | None:
        """The profile that fits, where one clearly does."""
        first, *others = self.candidates
        clear = not others or first.score - others[0].score >= _CLEARLY
        return first.profile if first.score >= _FITS and clear else None


def settings_to_try(line: LineAddress, speeds: Sequence[int]) -> list[LineAddress]:
    """The line at each of `speeds`; a Modbus TCP line has none."""
    return [line] if line.kind == "tcp" else [replace(line, baud=speed) for speed in speeds]


def scan_line(
    bus: Bus,
    addresses: Iterable[int],
    profiles: Mapping[str, Profile],
    timeout_s: float,
    looked_at: Callable[[int], None] = lambda _: None,
) -> Iterator[FoundUnit]:
    """The units that answer on `bus`, as they are found; `looked_at` is told each address that is
    done with.

    Raises LineDown.
    """
    for address in addresses:
        if _is_there(bus, address, profiles.values(), timeout_s):
            scores = {
                name: _try(bus, address, profile, timeout_s) for name, profile in profiles.items()
            }
            best_first = sorted(scores, key=lambda name: (-scores[name], name))
            yield FoundUnit(
                bus.line, address, tuple(ProfileFit(name, scores[name]) for name in best_first)
            )
        looked_at(address)


def fit(profile: Profile, wanted: Sequence[ReadRequest], registers: Mapping[Key, int]) -> float:
    """How well `registers`, read by the requests `wanted`, look like a heat pump of `profile`: 0 to
    1.

    The product of what could be read, what of it is usual for a heat pump, and what of it says
    anything at all.
    """
    asked = {key for request in wanted for key in request.keys}
    if not registers:
        return 0.0
    seen = decode(profile, registers)
    return len(registers) / len(asked) * _usual(profile, seen) * _spoken(registers)


def _usual(profile: Profile, seen: Observation) -> float:
    """The share of the map's points that hold something usual; less where the faults are beyond
    belief."""
    usual = sum(1 for name, value in seen.values.items() if _is_usual(name, value, seen.values))
    points = len(seen.values) + sum(
        name not in (UNKNOWN_STATE, UNKNOWN_FAULTS) for name in seen.bad
    )
    doubt = max(1.0, len(seen.faults) / _MOST_FAULTS)
    return usual / max(1, points) / doubt


def _is_usual(name: str, value: float, values: Mapping[str, float]) -> bool:
    low, high = _USUAL.get(name, (float("-inf"), float("inf")))
    if name in ("supply_c", "return_c") and {"supply_c", "return_c"} <= values.keys():
        return (
            low <= value <= high and abs(values["supply_c"] - values["return_c"]) <= _MOST_SPREAD_K
        )
    return low <= value <= high


def _spoken(registers: Mapping[Key, int]) -> float:
    """Near 0 for a block of equal words, as a controller returns for what it does not have; 1 from
    a dozen on."""
    return min(1.0, (len(set(registers.values())) - 1) / 12)


def _is_there(bus: Bus, address: int, profiles: Iterable[Profile], timeout_s: float) -> bool:
    """Whether anything answers, be it with an exception. A unit may be silent to a question of
    another map."""
    questions = {
        (profile.read.pacing_ms, plan_visits(profile, bus.line)["read_all"][0])
        for profile in profiles
    }
    return any(
        _answers(bus, address, *question, timeout_s) for question in sorted(questions, key=str)
    )


def _answers(
    bus: Bus, address: int, pacing_ms: int, question: ReadRequest, timeout_s: float
) -> bool:
    try:
        bus.read(address, question, pacing_ms / 1_000, timeout_s)
    except ReplyError as error:
        return error.code == "device_exception"
    return True


def _try(bus: Bus, address: int, profile: Profile, timeout_s: float) -> float:
    """How well `profile` fits what the unit at `address` holds."""
    requests = plan_visits(profile, bus.line)["read_all"]
    registers: dict[Key, int] = {}
    for request in requests:
        try:
            contents = bus.read(address, request, profile.read.pacing_ms / 1_000, timeout_s)
        except ReplyError:
            continue
        registers.update(zip(request.keys, contents, strict=True))
    return fit(profile, requests, registers)
