"""The journal on a real disk: numbering without a gap, survival of kill -9, reported loss, corrupt files."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway_agent.journal import Journal
from tests.servers import wait_until
from wire.decode import decode_telemetry
from wire.messages import Reading

NOW = 1_763_740_010_000


def reading(at: int = NOW, device: str = "a") -> Reading:
    return Reading(device, at, "heating", ["high_pressure:P1"], {"supply_c": 0.0}, ["room_c"])


def documents(journal: Journal) -> list[dict]:  # type: ignore[type-arg]
    return [json.loads(message.payload) for message in journal.pending(0, 1_000_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_messages_are_numbered_from_one_and_are_what_the_contract_says(path: Path) -> None:
    journal = Journal(path, 30, 8)
    first, second = journal.append([reading()], NOW), journal.append([reading(NOW + 1), reading(NOW + 2)], NOW + 5)
    assert (first.seq, second.seq, journal.last) == (1, 2, 2)
    telemetry = decode_telemetry(second.payload).telemetry
    assert (telemetry.epoch, telemetry.seq, telemetry.sent_at, telemetry.interval_s) == (journal.epoch, 2, NOW + 5, 30)
    assert telemetry.readings == [reading(NOW + 1), reading(NOW + 2)]


def test_the_watermark_forgets_and_numbers_are_never_used_again(path: Path) -> None:
    journal = Journal(path, 30, 8)
    for _ in range(5):
        journal.append([reading()], NOW)
    assert not journal.acknowledge("another", 4)
    assert not journal.acknowledge(journal.epoch, 6)
    assert journal.acknowledge(journal.epoch, 4)
    assert [message.seq for message in journal.pending(0, 10)] == [5]
    assert journal.acknowledge(journal.epoch, 5)
    epoch = journal.epoch
    journal.close()
    again = Journal(path, 30, 8)
    assert (again.epoch, again.is_empty(), again.append([reading()], NOW).seq) == (epoch, True, 6)


def test_a_full_journal_drops_the_oldest_and_reports_every_one(path: Path) -> None:
    journal = Journal(path, 30, 1)
    values = {"supply_c": 1.0} | {"power_w": 2.0}
    wide = [Reading(f"device-{n}", NOW, "heating", [], values) for n in range(100)]
    for _ in range(400):
        journal.append(wide, NOW)
    held = documents(journal)
    assert path.stat().st_size < 2 * 1024 * 1024
    assert journal.evicted > 100
    assert [d["seq"] for d in held] == sorted(d["seq"] for d in held)
    reported: set[int] = set()
    for document in held:
        if "dropped" in document:
            assert document["dropped"]["reason"] == "journal_full"
            assert document["readings"] == []
            reported |= set(range(document["dropped"]["from"], document["dropped"]["to"] + 1))
    assert reported | {d["seq"] for d in held} == set(range(1, journal.last + 1))


def test_one_message_given_up_is_reported_by_a_numbered_one(path: Path) -> None:
    journal = Journal(path, 30, 8)
    for _ in range(3):
        journal.append([reading()], NOW)
    report = journal.drop(2, "unreadable", NOW)
    assert report is not None
    assert json.loads(report.payload)["dropped"] == {"from": 2, "to": 2, "reason": "unreadable"}
    assert [message.seq for message in journal.pending(0, 10)] == [1, 3, 4]
    assert journal.drop(2, "unreadable", NOW) is None


@pytest.mark.parametrize("when", ["opened", "running"])
def test_a_corrupt_file_is_set_aside_and_a_new_epoch_begins(path: Path, when: str) -> None:
    journal = Journal(path, 30, 8)
    for _ in range(200):
        journal.append([reading()], NOW)
    epoch = journal.epoch
    if when == "opened":
        journal.close()
        path.write_bytes(b"this is no database" * 1000)
        journal = Journal(path, 30, 8)
    else:
        journal._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            file.write(os.urandom(path.stat().st_size))
        journal._database.execute("PRAGMA cache_size=0")
        wait_until(lambda: journal.pending(0, 1000) is not None and journal.epoch != epoch, 5)
    assert journal.epoch != epoch
    assert journal.append([reading()], NOW).seq == 1
    assert len(list(path.parent.glob("journal.db.corrupt-*"))) >= 1


def test_a_full_disk_gives_up_the_oldest_and_goes_on(path: Path) -> None:
    journal = Journal(path, 30, 64)
    for _ in range(300):
        journal.append([reading()], NOW)
    pages = journal._database.execute("PRAGMA page_count").fetchone()[0]
    journal._database.execute(f"PRAGMA max_page_count={pages}")  # SQLite then says SQLITE_FULL, as for ENOSPC
    for _ in range(300):
        journal.append([reading()], NOW)
    held = documents(journal)
    reported = {
        seq for d in held if "dropped" in d for seq in range(d["dropped"]["from"], d["dropped"]["to"] + 1)
    }  # fmt: skip
    assert reported
    assert reported | {d["seq"] for d in held} == set(range(1, journal.last + 1))


CHILD = """
import sys
from pathlib import Path
from gateway_agent.journal import Journal
from wire.messages import Reading
journal = Journal(Path(sys.argv[1]), 30, 8)
while True:
    message = journal.append([Reading("a", journal.last + 1, "heating", [], {"supply_c": 1.0})], 0)
    sys.stdout.write(f"{message.seq}\\n")
    sys.stdout.flush()
"""


def test_what_was_journalled_survives_kill_9(path: Path) -> None:
    generator = random.Random(9)
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            told = [int(child.stdout.readline()) for _ in range(generator.randrange(1, 60))]
            child.send_signal(signal.SIGKILL)
            told += [int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        journal = Journal(path, 30, 8)
        held = [message.seq for message in journal.pending(0, 1_000_000)]
        assert held == list(range(1, journal.last + 1))
        assert told[-1] <= journal.last <= told[-1] + 1
        assert [d["readings"][0]["at"] for d in documents(journal)] == held
        journal.close()


def test_a_journal_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error):
        Journal(tmp_path, 30, 8)
