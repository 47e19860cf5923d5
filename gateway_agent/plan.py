"""Which registers to ask for together. Pure.

Reading across a gap costs the wire time of the unwanted registers, a new request costs a frame and its silences;
the plan is the cheapest cut of the wanted registers into requests that the unit can bear.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from gateway_agent.line import LineAddress
from gateway_agent.profile import FUNCTION_CODES, Key, ReadLimits, Table

Span = tuple[Key, int]
"""A value: its first register, and how many registers it takes. It is never split over two requests."""


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
        return [(self.table, self.address + offset) for offset in range(self.count)]


def plan_reads(
    wanted: Iterable[Span], limits: ReadLimits, line: LineAddress, illegal: Collection[Key] = frozenset()
) -> list[ReadRequest]:
    """The requests that read each wanted value exactly once, in order of table and address.

    Registers in `limits.forbidden` or `illegal` are never touched; a value that needs one of them is left out.
    """
    planned: list[ReadRequest] = []
    for table in FUNCTION_CODES:
        blocked = {address for other, address in illegal if other == table}
        spans = _merge((address, address + count) for (other, address), count in wanted if other == table)
        possible = [span for span in spans if not _touches(span, limits, blocked)]
        planned += [ReadRequest(table, *cut) for cut in _cheapest(possible, table, limits, line, blocked)]
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


def _touches(span: tuple[int, int], limits: ReadLimits, blocked: Collection[int]) -> bool:
    first, end = span
    inside = any(gap.first < end and first <= gap.last for gap in limits.forbidden)
    return inside or any(first <= address < end for address in blocked)


def _cheapest(
    spans: Sequence[tuple[int, int]], table: Table, limits: ReadLimits, line: LineAddress, blocked: Collection[int]
) -> list[tuple[int, int]]:
    """(address, count) of each request: the best way to read the first n spans, built up from n = 0."""
    best: list[tuple[float, list[tuple[int, int]]]] = [(0.0, [])]
    for last in range(len(spans)):
        options = []
        for first in range(last, -1, -1):
            request = ReadRequest(table, spans[first][0], spans[last][1] - spans[first][0])
            alone = first == last
            if not alone and not _may_join(request, limits, blocked):
                break
            cost, cuts = best[first]
            options.append((cost + sweep_s([request], limits, line), [*cuts, (request.address, request.count)]))
        best.append(min(options, key=lambda option: option[0]))
    return best[-1][1]


def _may_join(request: ReadRequest, limits: ReadLimits, blocked: Collection[int]) -> bool:
    span = (request.address, request.address + request.count)
    single = any(gap.first < span[1] and span[0] <= gap.last for gap in limits.single)
    return request.count <= limits.max_registers and not single and not _touches(span, limits, blocked)
