"""The read plan: every wanted value once, nothing forbidden, nothing too long, and cheap."""

from hypothesis import given
from hypothesis import strategies as st

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.read_plan import bus_time_s, plan_reads
from gateway_agent.profile.fields import Key, Range, Span, Table
from gateway_agent.profile.schema import ReadLimits

SLOW = parse_line("serial:///dev/ttyS1?baud=9600")
TABLES: list[Table] = ["holding", "input", "coil"]
ADDRESSES = st.integers(0, 160)
RANGES = st.lists(
    st.tuples(ADDRESSES, st.integers(0, 12)).map(
        lambda pair: Range(**{"from": pair[0], "to": sum(pair)})
    ),
    max_size=4,
)


@st.composite
def separate_spans(draw: st.DrawFn) -> set[Span]:
    """Values of one or two registers that do not overlap."""
    spans: set[Span] = set()
    for table in TABLES:
        address = 0
        for gap, count in draw(
            st.lists(st.tuples(st.integers(0, 15), st.sampled_from([1, 2])), max_size=15)
        ):
            spans.add(((table, address + gap), count))
            address += gap + count
    return spans


def touched(span: Span) -> set[Key]:
    (table, address), count = span
    return {(table, address + offset) for offset in range(count)}


KEYS = st.sets(st.tuples(st.sampled_from(TABLES), ADDRESSES))


@given(separate_spans(), st.integers(2, 60), RANGES, RANGES, KEYS, KEYS)
def test_every_wanted_value_is_read_once_and_nothing_forbidden(
    spans: set[Span],
    longest: int,
    single: list[Range],
    forbidden: list[Range],
    illegal: set[Key],
    borders: set[Key],
) -> None:
    limits = ReadLimits(max_registers=longest, single=single, forbidden=forbidden)
    requests = plan_reads(spans, limits, SLOW, illegal, borders)
    read = [key for request in requests for key in request.keys]
    assert len(read) == len(set(read))
    assert not any(address in gap for _, address in read for gap in forbidden)
    assert not set(read) & illegal
    for span in spans:
        spoilt = bool(touched(span) & illegal) or any(
            key[1] in gap for key in touched(span) for gap in forbidden
        )
        assert sum(touched(span) <= set(request.keys) for request in requests) == (
            0 if spoilt else 1
        )
    for request in requests:
        alone = any(touched(span) == set(request.keys) for span in spans)
        assert request.count <= longest
        assert alone or not any(address in gap for _, address in request.keys for gap in single)
        assert alone or not set(request.keys[1:]) & borders


@given(separate_spans(), st.lists(st.integers(1, 12), min_size=1, max_size=12), KEYS)
def test_where_the_unit_answers_frames_only_whole_frames_are_asked_for(
    spans: set[Span], lengths: list[int], illegal: set[Key]
) -> None:
    ends = [sum(lengths[: number + 1]) for number in range(len(lengths))]
    frames = [
        Range(**{"from": end - length, "to": end - 1})
        for end, length in zip(ends, lengths, strict=True)
    ]
    limits = ReadLimits(max_registers=12, frames=frames)
    requests = [
        request
        for request in plan_reads(spans, limits, SLOW, illegal)
        if request.table == "holding"
    ]
    asked = [(request.address, request.address + request.count - 1) for request in requests]
    assert len(set(asked)) == len(asked)
    assert set(asked) <= {(frame.first, frame.last) for frame in frames}
    read = {key for request in requests for key in request.keys}
    assert not read & illegal
    for frame in frames:
        whole = {("holding", address) for address in range(frame.first, frame.last + 1)}
        if not whole & illegal:
            assert all(touched(span) <= read for span in spans if touched(span) <= whole)


def test_a_short_gap_is_read_across_and_a_long_one_is_not() -> None:
    limits = ReadLimits(max_registers=100, turnaround_ms=50)
    near = plan_reads({(("holding", 0), 1), (("holding", 20), 1)}, limits, SLOW)
    far = plan_reads({(("holding", 0), 1), (("holding", 60), 1)}, limits, SLOW)
    assert [request.count for request in near] == [21]
    assert [request.count for request in far] == [1, 1]


def test_no_cut_is_cheaper_than_the_plan() -> None:
    limits = ReadLimits(max_registers=30, turnaround_ms=20)
    spans = {(("holding", address), 1) for address in (0, 3, 11, 29, 31, 58, 59, 60, 90)}
    planned = bus_time_s(plan_reads(spans, limits, SLOW), limits, SLOW)
    ordered = sorted(address for (_, address), _ in spans)
    for cuts in range(1 << (len(ordered) - 1)):
        groups, start = [], 0
        for index in range(len(ordered)):
            if index == len(ordered) - 1 or cuts >> index & 1:
                groups.append((ordered[start], ordered[index]))
                start = index + 1
        if all(last - first < 30 for first, last in groups):
            cost = sum(SLOW.exchange_s(2 * (last - first + 1), 0.02) for first, last in groups)
            assert planned <= cost + 1e-9


def test_wire_time_is_that_of_the_standard() -> None:
    # 8 + 5 + 80 characters of 10 bits at 9600 baud, two silences of 3.5 characters, 50 ms
    # turnaround
    assert abs(SLOW.exchange_s(80, 0.05) - ((93 + 7) * 10 / 9600 + 0.05)) < 1e-9
