"""Which registers to ask for together. Pure.

To read across a gap costs the wire time of the unwanted registers. A new request costs a frame and
its silences. The plan is the cheapest cut of the wanted registers into requests within the limits
of the unit.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.requests import ReadRequest
from gateway_agent.profile.fields import FUNCTION_CODES, Key, Span, Table
from gateway_agent.profile.schema import ReadLimits


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Limits of one table: addresses never to touch, and borders that no request may cross."""

    limits: ReadLimits
    longest: int
    blocked: frozenset[int] = frozenset()
    borders: frozenset[int] = frozenset()

    def touched_by(self, first: int, end: int) -> bool:
        """Whether anything from `first` up to, not including, `end` must not be read."""
        inside = any(gap.first < end and first <= gap.last for gap in self.limits.forbidden)
        return inside or any(first <= address < end for address in self.blocked)

    def part(self, first: int, end: int) -> bool:
        """Whether the values from `first` up to `end` must not be read in one request."""
        single = any(gap.first < end and first <= gap.last for gap in self.limits.single)
        cut = any(first < border < end for border in self.borders)
        too_long = end - first > self.longest
        return single or cut or too_long or self.touched_by(first, end)


def plan_reads(
    wanted: Iterable[Span],
    limits: ReadLimits,
    line: LineAddress,
    illegal: Collection[Key] = frozenset(),
    borders: Collection[Key] = frozenset(),
) -> list[ReadRequest]:
    """The requests that read each wanted value exactly once, in order of table and address.

    No request touches a register in `limits.forbidden` or `illegal`; a value that needs one of them
    is left out. No request reaches across one of `borders`. If the limits name frames, only whole
    frames are asked for.
    """
    spans, planned = list(wanted), list[ReadRequest]()
    for table in FUNCTION_CODES:
        closed, cuts_at = _of_table(table, illegal), _of_table(table, borders)
        obstacles = Obstacles(limits, limits.longest(table), closed, cuts_at)
        merged = _merge(
            (address, address + count) for (other, address), count in spans if other == table
        )
        possible = [span for span in merged if not obstacles.touched_by(*span)]
        if limits.frames and table == limits.table:
            planned += _framed(possible, obstacles)
        else:
            cuts = _cheapest(possible, table, obstacles, line)
            planned += [ReadRequest(table, address, count) for address, count in cuts]
    return planned


def bus_time_s(requests: Sequence[ReadRequest], limits: ReadLimits, line: LineAddress) -> float:
    """Seconds that the requests to one unit take if it answers in its profile's usual time."""
    turnaround_s, pacing_s = limits.turnaround_ms / 1_000, limits.pacing_ms / 1_000
    return sum(line.exchange_s(request.data_bytes, turnaround_s, pacing_s) for request in requests)


def _merge(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Half-open spans in order, overlapping ones merged; neighbours stay apart."""
    merged: list[tuple[int, int]] = []
    for first, end in sorted(spans):
        if merged and first < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((first, end))
    return merged


def _of_table(table: Table, keys: Collection[Key]) -> frozenset[int]:
    return frozenset(address for other, address in keys if other == table)


def _framed(spans: Sequence[tuple[int, int]], obstacles: Obstacles) -> list[ReadRequest]:
    """The frames that hold `spans`, without those that hold a register not to be touched."""
    limits = obstacles.limits
    return [
        ReadRequest(limits.table, frame.first, frame.last + 1 - frame.first)
        for frame in limits.frames
        if any(frame.first <= first and end <= frame.last + 1 for first, end in spans)
        and not obstacles.touched_by(frame.first, frame.last + 1)
    ]


def _cheapest(
    spans: Sequence[tuple[int, int]], table: Table, obstacles: Obstacles, line: LineAddress
) -> list[tuple[int, int]]:
    """(address, count) of each request of the cheapest plan.

    `best[n]` is the cost in seconds and the requests of the cheapest plan for the first n spans.
    """
    best: list[tuple[float, list[tuple[int, int]]]] = [(0.0, [])]
    for last in range(len(spans)):
        options = []
        for first in range(last, -1, -1):
            if first != last and obstacles.part(spans[first][0], spans[last][1]):
                break
            request = ReadRequest(table, spans[first][0], spans[last][1] - spans[first][0])
            cost, cuts = best[first]
            took_s = bus_time_s([request], obstacles.limits, line)
            options.append((cost + took_s, [*cuts, (request.address, request.count)]))
        best.append(min(options, key=lambda option: option[0]))
    return best[-1][1]
