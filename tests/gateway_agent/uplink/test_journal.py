"""The journal on a real disk: numbering without a gap, survival of kill -9, reported loss, corrupt
files."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway_agent.uplink.journal import Journal
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
    first, second = (
        journal.append([reading()], NOW),
        journal.append([reading(NOW + 1), reading(NOW + 2)], NOW + 5),
    )
    assert (first.seq, second.seq, journal.last) == (1, 2, 2)
    telemetry = decode_telemetry(second.payload).telemetry
    assert (telemetry.epoch, telemetry.seq, telemetry.sent_at, telemetry.interval_s) == (
        journal.epoch,
        2,
        NOW + 5,
        30,
    )
    assert telemetry.readings == [reading(NOW + 1), reading(NOW + 2)]


def test_the_watermark_forgets_and_numbers_are_never_used_again(path: Path) -> None:
    journal = Journal(path, 30, 8)
    for _ in range(5):
        journal.append([reading()], NOW)
    assert not journal.acknowledge("another", 4)
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


def test_each_message_tells_the_watermark_known_when_it_was_written(path: Path) -> None:
    journal = Journal(path, 30, 8)
    journal.append([reading()], NOW)
    journal.append([reading()], NOW + 1)
    journal.acknowledge(journal.epoch, 1)
    journal.append([reading()], NOW + 2)
    journal.drop(2, "unreadable", NOW + 3)
    journal.append([reading()], NOW + 4)
    journal.acknowledge(journal.epoch, 4)
    journal.append([reading()], NOW + 5)
    told = {document["seq"]: document.get("acked", 0) for document in documents(journal)}
    journal.acknowledge(journal.epoch, 6)
    journal.append([reading()], NOW + 6)
    told |= {document["seq"]: document.get("acked", 0) for document in documents(journal)}
    journal.close()
    # Number 4 reports 2 as lost: until it is answered for, neither is what it reports.
    assert told == {5: 1, 6: 4, 7: 6}


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
    journal._database.execute(
        f"PRAGMA max_page_count={pages}"
    )  # SQLite then says SQLITE_FULL, as for ENOSPC
    for _ in range(300):
        journal.append([reading()], NOW)
    held = documents(journal)
    reported = {
        seq for d in held if "dropped" in d
        for seq in range(d["dropped"]["from"], d["dropped"]["to"] + 1)
    }  # fmt: skip
    assert reported
    assert reported | {d["seq"] for d in held} == set(range(1, journal.last + 1))


@pytest.mark.parametrize("on_disk", [True, False])
def test_a_watermark_beyond_the_numbers_given_begins_a_new_epoch(path: Path, on_disk: bool) -> None:
    journal = Journal(path, 30, 8)
    for number in range(1, 7):
        journal.append([reading(NOW + number)], NOW)
    journal.acknowledge(journal.epoch, 2)
    journal.drop(3, "unreadable", NOW)
    epoch = journal.epoch
    assert not journal.acknowledge(epoch, 9)
    if on_disk:
        journal.close()
        journal = Journal(path, 30, 8)
    assert journal.epoch != epoch
    held = documents(journal)
    assert [(d["epoch"], d["seq"], d["readings"][0]["at"]) for d in held] == [
        (journal.epoch, seq, NOW + seq + 3) for seq in (1, 2, 3)
    ]
    assert journal.append([reading()], NOW).seq == 4
    assert not journal.acknowledge(epoch, 9)
    assert journal.acknowledge(journal.epoch, 4)


def test_a_clock_that_nobody_set_is_marked(path: Path) -> None:
    journal = Journal(path, 30, 8)
    assert (
        decode_telemetry(journal.append([reading()], NOW, "unsynced").payload).telemetry.clock
        == "unsynced"
    )
    assert b"clock" not in journal.append([reading(NOW + 1)], NOW).payload


FULL_DISK_CHILD = """
import json, os, sys
from pathlib import Path
from gateway_agent.uplink.journal import Journal
from wire.messages import Reading
folder = Path(sys.argv[1])
journal = Journal(folder / "journal.db", 30, 64)

def readings(number):
    return [Reading(f"d{n}", number, "heating", [], {"supply_c": 1.0}) for n in range(20)]

others = os.open(folder / "others", os.O_CREAT | os.O_WRONLY)
try:
    while True:
        os.write(others, bytes(4096))
except OSError:
    pass
for number in range(1, 1501):
    journal.append(readings(number), number)
held = [json.loads(message.payload) for message in journal.pending(0, 1_000_000)]
lost = {
    seq for d in held if "dropped" in d
    for seq in range(d["dropped"]["from"], d["dropped"]["to"] + 1)
}
kept = {d["seq"] for d in held}
assert not lost & kept
assert lost | kept == set(range(1, journal.last + 1))
os.close(others)
os.unlink(folder / "others")
before = journal.evicted
for number in range(1501, 2001):
    journal.append(readings(number), number)
assert journal.evicted == before, "the disk has room again"
assert journal.acknowledge(journal.epoch, journal.last - 100)
held = [message.seq for message in journal.pending(0, 200)]
assert held == list(range(journal.last - 99, journal.last + 1))
print(journal.last, journal.evicted)
"""


def test_a_disk_really_full_costs_the_oldest_only(tmp_path: Path) -> None:
    rights = "-m" if os.geteuid() == 0 else "-rm"
    script = f'mount -t tmpfs -o size=8m tmpfs "{tmp_path}" && exec "$0" -c "$1" "{tmp_path}"'
    command = ["unshare", rights, "sh", "-c", script, sys.executable, FULL_DISK_CHILD]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    last, evicted = map(int, done.stdout.split())
    assert last > 2_000
    assert 0 < evicted < 1_500


KILLED_CHILD = """
import os, sys
from pathlib import Path
from gateway_agent.uplink.journal import Journal
from wire.messages import Reading
path = Path(sys.argv[1])
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        journal = Journal(path, 30, 8)
        while True:
            reading = Reading("a", journal.last + 1, "heating", [], {"supply_c": 1.0})
            message = journal.append([reading], 0)
            os.write(1, f"{os.getpid()} {message.seq}\\n".encode())
    os.wait()
"""


def test_what_was_journalled_survives_100_times_kill_9(path: Path) -> None:
    """One parent forks a writer after the other, so that a kill costs no start of an
    interpreter."""
    generator, kills, told = random.Random(9), 100, 0
    command = [sys.executable, "-c", KILLED_CHILD, str(path), str(kills)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        left, victim, killed = 0, 0, 0
        for line in parent.stdout:
            pid, told = map(int, line.split())
            if pid != victim:
                victim, left = pid, generator.randrange(30)
            if left == 0:
                os.kill(pid, signal.SIGKILL)
                killed += 1
            left -= 1
    assert killed == kills
    journal = Journal(path, 30, 8)
    assert told <= journal.last <= told + 1
    held = documents(journal)
    assert [d["seq"] for d in held] == list(range(1, journal.last + 1))
    assert [d["readings"][0]["at"] for d in held] == list(range(1, journal.last + 1))


def test_a_journal_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error):
        Journal(tmp_path, 30, 8)
