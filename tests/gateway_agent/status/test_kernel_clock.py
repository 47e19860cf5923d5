"""Readings of a clock that nobody set say so."""

import json
from pathlib import Path

from gateway_agent.status.kernel_clock import is_synchronised
from gateway_agent.uplink.journal import Journal
from gateway_agent.uplink.journal_writer import JournalWriter
from wire.messages import Reading


def test_the_kernel_is_asked() -> None:
    assert is_synchronised() in (True, False)


def test_readings_are_marked_only_while_the_clock_is_not_set(tmp_path: Path) -> None:
    journal, answers = Journal(tmp_path / "journal.db", 30, 8), iter([False, True])
    writer = JournalWriter(journal, lambda: 1_763_740_010_000, lambda: next(answers))
    for _ in range(2):
        writer.keep([Reading("a", 1_763_740_010_000, "off", [], {})])
    marks = [json.loads(message.payload).get("clock") for message in journal.pending(0, 10)]
    assert marks == ["unsynced", None]
    assert writer.lost == 0
