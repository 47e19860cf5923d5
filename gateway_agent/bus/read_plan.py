"""Which registers to ask for together. Pure.

Reading across a gap costs the wire time of the unwanted registers, a new request costs a frame and
its silences; the plan is the cheapest cut of the wanted registers into requests that the unit can
bear.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from gateway_agent.bus.address import LineAddress
from gateway_agent.profile.fields import FUNCTION_CODES, Key, Table
from gateway_agent.profile.schema import ReadLimits

Span = tuple[Key, int]
"""A value: its first register, and how many registers it takes. It is never split over two
requests."""


def keys_of(span: Span) -> list[Key]:
    """Every register of a value."""
    (table, address), count = span
    return [(table, address + offset) for offset in range(count)]


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """One Modbus read of `count` registers (or bits) from `address` on."""

    table: Table
    address: int
    count: int

    @property
    def function(self) -> int:
        """The Modbus function code."""
        return FUNCTION_CODES[self.table]

    @property
    def data_bytes(self) -> int:
        """How many bytes of data the reply carries."""
        return (self.count + 7) // 8 if self.table in ("coil", "discrete") else 2 * self.count

    @property
    def keys(self) -> list[Key]:
        """Every register this request touches."""
        return keys_of(((self.table, self.address), self.count))


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What stands in the way in one table: addresses never to touch, and addresses where a request
    must begin anew."""

    limits: ReadLimits
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
        return (
            single or cut or end - first > self.limits.max_registers or self.touched_by(first, end)
        )


def plan_reads(
    wanted: Iterable[Span],
    limits: ReadLimits,
    line: LineAddress,
    illegal: Collection[Key] = frozenset(),
    borders: Collection[Key] = frozenset(),
) -> list[ReadRequest]:
    """The requests that read each wanted value exactly once, in order of table and address.

    Registers in `limits.forbidden` or `illegal` are never touched; a value that needs one of them
    is left out. No request reaches across one of `borders`. Where the limits name frames, only
    whole frames are asked for.
    """
    spans, planned = list(wanted), list[ReadRequest]()
    for table in FUNCTION_CODES:
        obstacles = Obstacles(limits, _of_table(table, illegal), _of_table(table, borders))
        merged = _merge(
            (address, address + count) for (other, address), count in spans if other == table
        )
        possible = [span for span in merged if not obstacles.touched_by(*span)]
        if limits.frames and table == limits.table:
            planned += _framed(possible, obstacles)
        else:
            planned += [
                ReadRequest(table, *cut) for cut in _cheapest(possible, table, obstacles, line)
            ]
    return planned


def sweep_s(requests: Sequence[ReadRequest], limits: ReadLimits, line: LineAddress) -> float:
    """Seconds the requests to one unit take when it answers as its profile says."""
    turnaround_s, pacing_s = limits.turnaround_ms / 1_000, limits.pacing_ms / 1_000
    return sum(line.exchange_s(request.data_bytes, turnaround_s, pacing_s) for request in requests)


def _merge(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Half-open spans in order, those that overlap made one; neighbours stay apart."""
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
    """The frames that hold `spans`; a frame with anything in it that must not be touched is left
    out."""
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
    """(address, count) of each request: the best way to read the first n spans, built up from n =
    0."""
    best: list[tuple[float, list[tuple[int, int]]]] = [(0.0, [])]
    for last in range(len(spans)):
        options = []
        for first in range(last, -1, -1):
            if first != last and obstacles.part(spans[first][0], spans[last][1]):
                break
            request = ReadRequest(table, spans[first][0], spans[last][1] - spans[first][0])
            cost, cuts = best[first]
            took_s = sweep_s([request], obstacles.limits, line)
            options.append((cost + took_s, [*cuts, (request.address, request.count)]))
        best.append(min(options, key=lambda option: option[0]))
    return best[-1][1]
