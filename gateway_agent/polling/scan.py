"""Which units answer on a line, and which register map fits each. Only reads, never writes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.modbus import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    Bus,
    ReplyError,
)
from gateway_agent.bus.requests import ReadRequest
from gateway_agent.polling.visit_plan import plan_visits
from gateway_agent.profile.decode import UNKNOWN_FAULTS, UNKNOWN_STATE, Observation, decode
from gateway_agent.profile.fields import Key
from gateway_agent.profile.schema import Profile

# A map fits if it scores at least this much, and clearly more than any other.
_FITS: Final = 0.5
_CLEARLY: Final = 0.05
# More faults at once than this are numbers of another map, not faults of a heat pump.
_MOST_FAULTS: Final = 3
# The range of a house's heat pump in any season, narrower than the plausible range of a point
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
"""The largest difference of supply and return water of one heat pump, in kelvins."""

# Temperatures of one circuit: while it works, they move together. Outdoors, a room and a tank may
# rest for hours.
_CIRCUIT: Final = ("supply_c", "return_c", "discharge_c", "suction_c", "coil_c")
# So many neighbours must move by so many kelvins before a value that rests is suspected.
_NEIGHBOURS: Final = 2
_MOVES_K: Final = 2.0


@dataclass(frozen=True, slots=True)
class ProfileFit:
    """A profile, by the reference that a configuration names it with, and its score, 0 to 1."""

    profile: str
    score: float

    @property
    def is_own(self) -> bool:
        """Whether this is a file of the operator's, and no shipped profile."""
        return self.profile.endswith(".toml")


@dataclass(frozen=True, slots=True)
class FoundUnit:
    """A unit that answers at `address` of `line`; the best candidate stands first.

    `still`: points that never moved while their neighbours did.
    """

    line: LineAddress
    address: int
    candidates: tuple[ProfileFit, ...]
    still: tuple[str, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """The unit as a JSON object."""
        candidates = [
            {"profile": each.profile, "score": round(each.score, 2)} for each in self.candidates
        ]
        where = {"bus": self.line.name, "baud": self.line.baud, "address": self.address}
        what = {"profile": self.profile, "candidates": candidates}
        return where | what | {"never_moves": list(self.still)}

    @property
    def profile(self) -> str | None:
        """The profile that fits clearly; None if none does.

        Where shipped profiles fit as well as one of the operator's own, the own one counts: an
        overlay fits wherever its base does.
        """
        best = self.candidates[0].score
        close = [each for each in self.candidates if best - each.score < _CLEARLY]
        close = [each for each in close if each.is_own] or close
        return close[0].profile if best >= _FITS and len(close) == 1 else None


def settings_to_try(line: LineAddress, speeds: Sequence[int]) -> list[LineAddress]:
    """The line at each of `speeds`; a Modbus TCP line has none."""
    return [line] if line.kind == "tcp" else [replace(line, baud=speed) for speed in speeds]


def scan_line(
    bus: Bus,
    addresses: Iterable[int],
    profiles: Mapping[str, Profile],
    timeout_s: float,
    done: Callable[[int], None] = lambda _: None,
) -> Iterator[FoundUnit]:
    """The units that answer on `bus`, one by one; `done` is called with each address tried.

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
        done(address)


def fit(profile: Profile, wanted: Sequence[ReadRequest], registers: Mapping[Key, int]) -> float:
    """The score, 0 to 1, of `registers`, read by the requests `wanted`, as a unit of `profile`.

    The product of three shares: registers that could be read, points within their usual range, and
    variety of the contents.
    """
    asked = {key for request in wanted for key in request.keys}
    if not registers:
        return 0.0
    seen = decode(profile, registers)
    return len(registers) / len(asked) * _usual(profile, seen) * _variety(registers)


def read_once(bus: Bus, unit: FoundUnit, profile: Profile, timeout_s: float) -> Mapping[str, float]:
    """The values of `unit`, read once by `profile`; empty if it is silent. Raises LineDown."""
    return decode(profile, _read_all(bus, unit.address, profile, timeout_s)).values


def never_moves(readings: Sequence[Mapping[str, float]]) -> tuple[str, ...]:
    """The temperatures of the circuit that rested in all `readings` while their neighbours moved.

    `readings` are the values of one unit, one after the other. Such a value is no measurement.
    """
    seen = {name: [values[name] for values in readings if name in values] for name in _CIRCUIT}
    spread = {name: max(values) - min(values) for name, values in seen.items() if values}
    moving = [name for name, kelvins in spread.items() if kelvins >= _MOVES_K]
    if len(moving) < _NEIGHBOURS:
        return ()
    return tuple(name for name, kelvins in spread.items() if kelvins == 0)


def _usual(profile: Profile, seen: Observation) -> float:
    """The share of the map's points within their usual range; less if it shows too many faults."""
    usual = [name for name, value in seen.values.items() if _is_usual(name, value, seen.values)]
    bad = [name for name in seen.bad if name not in (UNKNOWN_STATE, UNKNOWN_FAULTS)]
    points = len(seen.values) + len(bad)
    doubt = max(1.0, len(seen.faults) / _MOST_FAULTS)
    return len(usual) / max(1, points) / doubt


def _is_usual(name: str, value: float, values: Mapping[str, float]) -> bool:
    low, high = _USUAL.get(name, (float("-inf"), float("inf")))
    if not low <= value <= high:
        return False
    if name in ("supply_c", "return_c") and {"supply_c", "return_c"} <= values.keys():
        return abs(values["supply_c"] - values["return_c"]) <= _MOST_SPREAD_K
    return True


def _variety(registers: Mapping[Key, int]) -> float:
    """0 for equal words, as a controller returns for registers it lacks; 1 from 13 words on."""
    return min(1.0, (len(set(registers.values())) - 1) / 12)


def _is_there(bus: Bus, address: int, profiles: Iterable[Profile], timeout_s: float) -> bool:
    """Whether a unit answers any map's first question.

    A refusal of the block is an answer too. Any other exception may be that of a converter, which
    answers in the name of a unit that is not there.
    """
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
        return error.exception in (ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE)
    return True


def _try(bus: Bus, address: int, profile: Profile, timeout_s: float) -> float:
    """The score of `profile` on the unit at `address`."""
    requests = plan_visits(profile, bus.line)["read_all"]
    return fit(profile, requests, _read_all(bus, address, profile, timeout_s))


def _read_all(bus: Bus, address: int, profile: Profile, timeout_s: float) -> dict[Key, int]:
    """Every register of `profile` that the unit at `address` answers."""
    registers: dict[Key, int] = {}
    for request in plan_visits(profile, bus.line)["read_all"]:
        try:
            contents = bus.read(address, request, profile.read.pacing_ms / 1_000, timeout_s)
        except ReplyError:
            continue
        registers.update(zip(request.keys, contents, strict=True))
    return registers
