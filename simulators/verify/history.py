"""The truth, put in order: reads by device, and when devices were silent and gateways down."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any, Final, Protocol

from simulators.scoring.truths import Truth, truth_from

COLLAPSE_MS: Final = 1_000  # reads of one device closer than this are one poll
FOREVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class RegisterRead:
    """A unit's registers as a master read them at `at`; `doubtful` where the line may have spoilt
    the reply.

    `state_told` is False where they do not tell a defrost from heating.
    """

    at: int
    state: str
    faults: tuple[str, ...]
    values: Mapping[str, float]
    doubtful: bool = False
    state_told: bool = True


@dataclass(slots=True)
class AbsenceSpan:
    """From `begin` until `end`; FOREVER while it lasts.

    `told` where the broker certainly spread the last will of what went down.
    """

    begin: int
    end: int = FOREVER
    told: bool = False


@dataclass(slots=True)
class RunHistory:
    """Everything the truth file says.

    `deaths` are the times at which a gateway's process was found dead, whether it stayed down or
    was started again at once. `causes` are the truths of the scenario's events. `end` is when the
    run ended, or its last line.
    """

    reads: dict[str, list[RegisterRead]] = field(default_factory=lambda: defaultdict(list))
    silent: dict[str, list[AbsenceSpan]] = field(default_factory=lambda: defaultdict(list))
    down: dict[str, list[AbsenceSpan]] = field(default_factory=lambda: defaultdict(list))
    gateway_of: dict[str, str] = field(default_factory=dict)
    deaths: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    causes: list[Truth] = field(default_factory=list)
    end: int = 0

    def died_near(self, device: str, at: int, before_ms: int, after_ms: int) -> bool:
        """Whether the gateway of `device` was found dead at most `before_ms` before `at` or
        `after_ms` after it."""
        deaths = self.deaths.get(self.gateway_of.get(device, ""), [])
        return any(at - before_ms <= death <= at + after_ms for death in deaths)

    def up_again(self, device: str, begin: int, end: int) -> int | None:
        """When the gateway of `device` was back, if it was down at some time in `begin`…`end`;
        FOREVER if never."""
        spans = self.down.get(self.gateway_of.get(device, ""), [])
        ends = [span.end for span in spans if span.begin <= end and span.end >= begin]
        return max(ends) if ends else None


class Timed(Protocol):
    """Something that happened at `at`, UTC ms."""

    @property
    def at(self) -> int:
        """When."""
        ...


def usual_interval(reads: Sequence[Timed]) -> float:
    """Median time between reads, ms; one minute where there are too few to tell."""
    steps = [after.at - before.at for before, after in pairwise(reads)]
    return median(steps) if steps else 60_000.0


def history_of(truth: Iterable[Mapping[str, Any]]) -> RunHistory:
    """The history told by truth lines in the order they were written; unknown types are passed
    over."""
    history = RunHistory()
    stopped: int | None = None
    for line in truth:
        history.end = max(history.end, int(line.get("at", 0)))
        match line.get("type"):
            case "read":
                _add_read(history.reads[line["device"]], line)
            case "silent":
                _add_edge(history.silent[line["device"]], line["edge"] == "begin", line["at"])
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
    told = line.get("state_told", True)
    reads.append(
        RegisterRead(
            line["at"], line["state"], tuple(line["faults"]), line["values"], doubtful, told
        )
    )


def _add_edge(spans: list[AbsenceSpan], begins: bool, at: int, told: bool = False) -> None:
    lasts = bool(spans) and spans[-1].end == FOREVER
    if begins and not lasts:
        spans.append(AbsenceSpan(at, told=told))
    elif not begins and lasts:
        spans[-1].end = at
