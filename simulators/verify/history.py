"""The truth in order: reads by device, and the absences of devices and gateways."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any, Final, Protocol

from simulators.scoring.truths import Truth, truth_from
from wire.units import MINUTE_MS, SECOND_MS

COLLAPSE_MS: Final = SECOND_MS  # reads of one device closer than this are one poll
FOREVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class RegisterRead:
    """The registers of a unit as a master read them at `at` (UTC ms).

    `doubtful`: the line may have spoilt the reply. `state_shown` is False if the registers do not
    distinguish a defrost from heating.
    """

    at: int
    state: str
    faults: tuple[str, ...]
    values: Mapping[str, float]
    doubtful: bool = False
    state_shown: bool = True


@dataclass(slots=True)
class AbsenceSpan:
    """An absence from `begin` to `end`, FOREVER while it lasts.

    `last_will`: the broker certainly published the last will of the gateway.
    """

    begin: int
    end: int = FOREVER
    last_will: bool = False


@dataclass(slots=True)
class RunHistory:
    """The contents of a truth file.

    `deaths`: when the process of a gateway was found dead, whether or not it was started again at
    once. `pulled`: when the adapter was pulled out at a request to a device. `causes`: the truths
    of the events of the scenario. `end`: the end of the run, or its last line.
    """

    reads: dict[str, list[RegisterRead]] = field(default_factory=lambda: defaultdict(list))
    silent: dict[str, list[AbsenceSpan]] = field(default_factory=lambda: defaultdict(list))
    down: dict[str, list[AbsenceSpan]] = field(default_factory=lambda: defaultdict(list))
    gateway_of: dict[str, str] = field(default_factory=dict)
    deaths: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    pulled: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    causes: list[Truth] = field(default_factory=list)
    end: int = 0

    def died_near(self, device: str, at: int, before_ms: int, after_ms: int) -> bool:
        """Whether the gateway of `device` was found dead near `at`.

        Near means from `before_ms` before to `after_ms` after it.
        """
        deaths = self.deaths.get(self.gateway_of.get(device, ""), [])
        return any(at - before_ms <= death <= at + after_ms for death in deaths)

    def pulled_after(self, device: str, at: int, within_ms: int) -> bool:
        """Whether the adapter was pulled out at a request to `device` that soon after `at`."""
        return any(at <= pulled <= at + within_ms for pulled in self.pulled.get(device, []))

    def up_again(self, device: str, begin: int, end: int) -> int | None:
        """When the gateway of `device` was up again after an absence between `begin` and `end`.

        None without an absence, FOREVER if it never returned.
        """
        spans = self.down.get(self.gateway_of.get(device, ""), [])
        ends = [span.end for span in spans if span.begin <= end and span.end >= begin]
        return max(ends) if ends else None


class Timed(Protocol):
    """Anything with a time."""

    @property
    def at(self) -> int:
        """The time, UTC ms."""
        ...


def usual_interval(reads: Sequence[Timed]) -> float:
    """The median time between reads, ms; one minute if there are fewer than two."""
    steps = [after.at - before.at for before, after in pairwise(reads)]
    return median(steps) if steps else float(MINUTE_MS)


def history_of(truth: Iterable[Mapping[str, Any]]) -> RunHistory:
    """The history in truth lines in the order of writing; unknown types are ignored."""
    history = RunHistory()
    stopped: int | None = None
    for line in truth:
        history.end = max(history.end, int(line.get("at", 0)))
        match line.get("type"):
            case "read":
                _add_read(history.reads[line["device"]], line)
            case "silent":
                _add_edge(history.silent[line["device"]], line["edge"] == "begin", line["at"])
            case "pulled":
                history.pulled[line["device"]].append(line["at"])
            case "gateway":
                _add_gateway_line(history, line)
                history.gateway_of |= dict.fromkeys(line["devices"], line["gateway"])
            case "truth":
                history.causes.append(truth_from(line))
            case "stop":
                stopped = int(line["at"])
    history.end = history.end if stopped is None else stopped
    return history


def _add_gateway_line(history: RunHistory, line: Mapping[str, Any]) -> None:
    if line["edge"] in ("down", "killed"):
        history.deaths[line["gateway"]].append(line["at"])
    if line["edge"] in ("down", "up"):
        spans = history.down[line["gateway"]]
        _add_edge(spans, line["edge"] == "down", line["at"], line.get("last_will", False))


def _add_read(reads: list[RegisterRead], line: Mapping[str, Any]) -> None:
    doubtful = bool(line.get("doubtful", False))
    if reads and line["at"] - reads[-1].at < COLLAPSE_MS:
        doubtful = reads.pop().doubtful and doubtful
    shown = line.get("state_told", True)
    faults = tuple(line["faults"])
    reads.append(RegisterRead(line["at"], line["state"], faults, line["values"], doubtful, shown))


def _add_edge(spans: list[AbsenceSpan], begins: bool, at: int, last_will: bool = False) -> None:
    lasts = bool(spans) and spans[-1].end == FOREVER
    if begins and not lasts:
        spans.append(AbsenceSpan(at, last_will=last_will))
    elif not begins and lasts:
        assert spans[-1].begin <= at, "an absence ends before it begins"
        spans[-1].end = at
