"""Reads against stored readings: each read is stored once, with the values of the registers."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from simulators.verify.history import RegisterRead, RunHistory, usual_interval
from simulators.verify.result import Verification
from wire.units import SECOND_MS

WINDOW_MS: Final = 2 * SECOND_MS  # between the time stamps of bus read and sent reply
# A unit may answer a gateway that has died since its request: within a time-out of the profiles.
UNDER_WAY_MS: Final = SECOND_MS
# The end of a run, or the death of a gateway, may interrupt a read on its way to the journal.
UNFINISHED_MS: Final = 5 * SECOND_MS
# A unit read more often than at this share of its stored interval has status polls as well.
STATUS_POLL_SHARE: Final = 0.75
SILENT_INTERVALS: Final = 1.5  # usual intervals after which a device has fallen silent
TEMPERATURE_STEP_K: Final = 0.1
OTHER_SHARE: Final = 0.05
OTHER_STEP: Final = 1.0
INDISTINCT_STATES: Final = ("heating", "defrost")  # of a unit that shows no defrost
REQUIRED: Final = ("supply_c", "return_c", "room_c", "outdoor_c")


@dataclass(frozen=True, slots=True)
class RecordedReading:
    """One row of the reading store; missing points are absent from `values`, or None."""

    device: str
    at: int
    state: str
    faults: Sequence[str]
    values: Mapping[str, float | None]


def compare_readings(
    history: RunHistory, stored: Iterable[RecordedReading], result: Verification
) -> dict[str, list[RegisterRead]]:
    """Note lost, duplicated and wrong readings.

    Returns the reads that the system must have received, by device.
    """
    by_device: dict[str, list[RecordedReading]] = defaultdict(list)
    for reading in stored:
        by_device[reading.device].append(reading)
    heard = {}
    for device in sorted(history.reads.keys() | by_device.keys()):
        rows = sorted(by_device.get(device, []), key=lambda row: row.at)
        heard[device] = _compare_device(device, history, rows, result)
    return heard


def _compare_device(
    device: str, history: RunHistory, rows: list[RecordedReading], result: Verification
) -> list[RegisterRead]:
    reads = history.reads.get(device, [])
    result.reads += len(reads)
    result.stored += len(rows)
    interval = usual_interval(reads)
    kept = usual_interval(rows)
    polls_status = interval < STATUS_POLL_SHARE * kept
    pairs, spare = _pair(reads, rows, min(WINDOW_MS, max(500.0, 0.45 * interval)))
    for row in spare:
        result.find("duplicated", device, row.at, "a stored reading without a read of its own")
    heard = []
    for index, read in enumerate(reads):
        stored = pairs.get(index)
        died = history.died_near(device, read.at, UNDER_WAY_MS, UNFINISHED_MS)
        pulled = history.pulled_after(device, read.at, WINDOW_MS)
        if stored is not None:
            _compare_values(device, read, stored, result)
            heard.append(read)
        elif read.doubtful or (polls_status and _only_a_status_poll(rows, read.at, kept)):
            continue
        elif died or pulled or _interrupted(reads, index, interval, history.end):
            result.interrupted += 1
        else:
            result.find("lost", device, read.at, "read, but not stored")
            heard.append(read)
    return heard


def _pair(
    reads: list[RegisterRead], rows: list[RecordedReading], window: float
) -> tuple[dict[int, RecordedReading], list[RecordedReading]]:
    """Pairs of a read (by index) and the row nearest in time, and the rows left over."""
    pairs: dict[int, RecordedReading] = {}
    spare = []
    index = 0
    for row in rows:
        while index + 1 < len(reads) and abs(reads[index + 1].at - row.at) <= abs(
            reads[index].at - row.at
        ):
            index += 1
        if index < len(reads) and abs(reads[index].at - row.at) <= window:
            pairs[index] = row
            index += 1
        else:
            spare.append(row)
    return pairs, spare


def _only_a_status_poll(rows: list[RecordedReading], at: int, interval: float) -> bool:
    """Whether the readings before and after `at` are no further apart than usual.

    A gateway polls the status of a unit between two readings, to see a change early. Without a
    change it stores nothing.
    """
    index = bisect_left(rows, at, key=lambda row: row.at)
    before = rows[index - 1].at if index > 0 else at
    after = rows[index].at if index < len(rows) else at
    return after - before <= SILENT_INTERVALS * interval


def _interrupted(reads: list[RegisterRead], index: int, interval: float, end: int) -> bool:
    """Whether a read that was not stored may never have reached the journal.

    It may not if it is the last before a silence or before the end.
    """
    if index + 1 == len(reads):
        return True
    at = reads[index].at
    return reads[index + 1].at - at > SILENT_INTERVALS * interval or at >= end - UNFINISHED_MS


def _compare_values(
    device: str, read: RegisterRead, row: RecordedReading, result: Verification
) -> None:
    wrong = [
        f"{point} {row.values.get(point)} instead of {value}"
        for point, value in read.values.items()
        if _differs(point, value, row.values.get(point))
    ]
    possible = (read.state,) if read.state_shown else INDISTINCT_STATES
    if row.state not in possible:
        wrong.append(f"state {row.state} instead of {read.state}")
    if sorted(row.faults) != sorted(read.faults):
        wrong.append(f"faults {list(row.faults)} instead of {list(read.faults)}")
    if wrong:
        result.find("wrong_value", device, read.at, "; ".join(wrong))


def _differs(point: str, held: float, stored: float | None) -> bool:
    """Whether a value differs. A profile may lack a point, except the required temperatures."""
    if stored is None:
        return point in REQUIRED
    allowed = (
        TEMPERATURE_STEP_K if point.endswith("_c") else max(OTHER_STEP, OTHER_SHARE * abs(held))
    )
    return abs(stored - held) > allowed + 1e-6
