"""The chain: whatever is done to any line, the walk says that the log is not whole."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from desk.audit.entry import EXPIRED, GENESIS, AuditEntry, walk

TEXT = st.text(max_size=8)
STATES = st.none() | st.dictionaries(TEXT, TEXT | st.integers() | st.floats(allow_nan=False))


def sealed(
    said: list[tuple[Any, ...]], previous: str = GENESIS, first: int = 1
) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for number, facts in enumerate(said, first):
        entry = AuditEntry(number, *facts, previous, "")
        entries.append(replace(entry, hash=entry.link()))
        previous = entries[-1].hash
    return entries


SAID = st.tuples(
    st.integers(0, 2**53), TEXT, st.none() | TEXT, TEXT, st.none() | TEXT, STATES, STATES
)
LOGS = st.lists(SAID, min_size=2, max_size=8).map(sealed)


@given(LOGS)
def test_an_untouched_log_is_whole(log: list[AuditEntry]) -> None:
    verdict = walk(log, (log[0].id, log[0].hash))
    assert (verdict.lines, verdict.newest, verdict.head) == (len(log), log[-1].id, log[-1].hash)
    assert verdict.broken is None


@given(LOGS, st.data())
def test_a_changed_field_of_any_line_is_found(log: list[AuditEntry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(log) - 1))
    field = data.draw(st.sampled_from(("at", "who", "address", "what", "subject", "after")))
    changed = {"x": "y"} if field == "after" else 7 if field == "at" else "somebody else"
    forged = replace(log[at], **{field: changed})
    if forged == log[at]:
        return
    broken = walk([*log[:at], forged, *log[at + 1 :]]).broken
    assert broken is not None
    assert (broken.id, broken.how) == (log[at].id, "changed")


@given(LOGS, st.data())
def test_a_line_that_is_gone_or_doubled_is_found(
    log: list[AuditEntry], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(log) - 2))
    assert walk([*log[:at], *log[at + 1 :]]).broken is not None
    assert walk([*log[: at + 1], log[at], *log[at + 1 :]]).broken is not None


@given(LOGS)
def test_newest_lines_that_are_gone_are_found_with_a_hash_kept_elsewhere(
    log: list[AuditEntry],
) -> None:
    kept = (log[-1].id, log[-1].hash)
    cut = walk(log[:-1], kept).broken
    assert cut is not None
    assert cut.how == "cut"
    anew = sealed([(0, "", None, "", None, None, {"n": 1})] * len(log))
    assert walk(anew).broken is None
    assert walk(anew, kept).broken is not None


@given(LOGS)
def test_old_lines_may_go_only_with_a_line_that_says_so(log: list[AuditEntry]) -> None:
    rest, last = log[1:], log[-1]
    assert walk(rest).broken is not None
    said = (0, "hearthwatch", None, EXPIRED, str(log[0].id), None, {"hash": log[0].hash})
    expired = sealed([said], last.hash, last.id + 1)
    assert walk([*rest, *expired]).broken is None
