"""Replaying dead letters: nothing lost and nothing doubled, while ingest runs and whenever the
replay is killed."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.durable.dead_letter_file import DeadLetterFile, FileEnd
from ingest.durable.receipts import Receipts, read_committed_end
from ingest.reception.admission import Admission
from ingest.reception.dead_letter import DeadLetter, line
from ingest.reception.device_registry import Remembered
from ingest.reception.tally import Tallies
from ingest.redelivery.redeliver import Redelivery, RedeliveryError, RedeliveryReport
from ingest.redelivery.reexamine import TodaysRules
from ingest.store import ReadingStore, StoredReading, StoreUnavailable, open_store
from tests.ingest.harness import PLACE, Folder, reading
from tests.ingest.redelivery.killed_redelivery import STEPS
from wire.topics import gateway_topic

NOW = 1_763_740_012_345
TOPIC = gateway_topic("telemetry", PLACE)
TODAY = TodaysRules(Admission({"good": 1}, registered_only=True), {}, NOW)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def store(folder: Folder) -> Iterator[ReadingStore]:
    opened = open_store(folder.settings()[0])
    yield opened
    opened.close()


def letter(device: str, number: int) -> DeadLetter:
    rejected = reading(device, NOW + number)
    return DeadLetter(NOW, "unknown_device", TOPIC, PLACE.gateway, "e1", number, device, rejected)


def write(path: Path, *letters: DeadLetter) -> None:
    path.write_bytes(b"".join(line(written) for written in letters))


def redeliver(
    folder: Folder, store: ReadingStore, committed: FileEnd | None = None, **options: bool
) -> RedeliveryReport:
    return Redelivery(folder.dead_letters, lambda: committed, store, TODAY, **options).run()


def kept(folder: Folder) -> list[object]:
    return [letter["seq"] for letter in folder.letters()]


def test_what_is_good_is_stored_and_the_rest_stays_in_its_order(
    folder: Folder, store: ReadingStore
) -> None:
    write(
        folder.dead_letters,
        letter("good", 1),
        letter("bad", 2),
        letter("good", 3),
        letter("bad", 4),
    )
    folder.dead_letters.chmod(0o604)
    report = redeliver(folder, store)
    assert folder.rows() == [("good", NOW + 1), ("good", NOW + 3)]
    assert kept(folder) == [2, 4]
    assert (report.lines, report.stored, report.kept) == (
        4,
        {"unknown_device": 2},
        {"unknown_device": {"still_bad": 2}},
    )
    assert folder.dead_letters.stat().st_mode & 0o777 == 0o604
    assert not folder.path.joinpath("dead-letters.jsonl.replay").exists()
    assert redeliver(folder, store).stored == {}


def test_a_dry_run_changes_nothing(folder: Folder, store: ReadingStore) -> None:
    write(folder.dead_letters, letter("good", 1), letter("bad", 2))
    before = folder.dead_letters.read_bytes()
    report = redeliver(folder, store, dry=True)
    assert (report.stored, folder.rows(), folder.dead_letters.read_bytes()) == (
        {"unknown_device": 1},
        [],
        before,
    )


def test_a_reading_of_that_time_that_is_there_already_is_never_replaced(
    folder: Folder, store: ReadingStore
) -> None:
    store.write([StoredReading(PLACE, "e1", 1, reading("good", NOW + 1))])
    store.write([StoredReading(PLACE, "e2", 9, reading("good", NOW + 2, supply_c=1.0))])
    write(folder.dead_letters, letter("good", 1), letter("good", 2))
    report = redeliver(folder, store)
    assert report.already == {"unknown_device": 1}
    assert report.kept == {"unknown_device": {"occupied": 1}}
    assert kept(folder) == [2]
    assert folder.rows("epoch, supply_c") == [("e1", 41.5), ("e2", 1.0)]


def test_a_torn_last_line_stays(folder: Folder, store: ReadingStore) -> None:
    folder.dead_letters.write_bytes(line(letter("good", 1)) + b'{"at":17637')
    assert redeliver(folder, store).kept == {"?": {"unreadable_line": 1}}
    assert folder.dead_letters.read_bytes() == b'{"at":17637\n'


def test_lines_that_ingest_has_not_committed_are_left_to_it(
    folder: Folder, store: ReadingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.redelivery.redeliver._PATIENCE_S", 0.1)
    write(folder.dead_letters, letter("good", 1), letter("good", 2))
    size = len(line(letter("good", 1)))
    committed = FileEnd(folder.dead_letters.stat().st_ino, size)
    before = folder.dead_letters.read_bytes()
    with pytest.raises(RedeliveryError, match="start ingest"):
        redeliver(folder, store, committed)
    assert folder.dead_letters.read_bytes() == before
    assert folder.rows() == [("good", NOW + 1)]


def test_a_file_rotated_meanwhile_is_as_it_was(folder: Folder, store: ReadingStore) -> None:
    write(folder.dead_letters, letter("good", 1), letter("bad", 2))
    rotated = folder.path / "dead-letters.1"

    def rotate(done: int, _all: int) -> None:
        folder.dead_letters.rename(rotated)
        write(folder.dead_letters, letter("bad", 3))

    with pytest.raises(RedeliveryError, match="rotated"):
        Redelivery(folder.dead_letters, lambda: None, store, TODAY, progress=rotate).run()
    assert rotated.read_bytes() == line(letter("good", 1)) + line(letter("bad", 2))
    assert kept(folder) == [3]


def test_where_the_store_is_away_the_file_is_as_it_was(folder: Folder, store: ReadingStore) -> None:
    write(folder.dead_letters, letter("good", 1), letter("bad", 2))
    before = folder.dead_letters.read_bytes()
    away = open_store(Folder(folder.path, "influxdb+http://127.0.0.1:1/o/b").settings()[0])
    with pytest.raises(StoreUnavailable):
        redeliver(folder, away)
    away.close()
    assert folder.dead_letters.read_bytes() == before


def ingest_at_work(folder: Folder, stop: threading.Event, sent: list[str]) -> None:
    """What ingest does with dead letters: append, commit, and now and then die between the two and
    begin again."""
    chance = random.Random(5)
    letters, receipts = DeadLetterFile(folder.dead_letters), Receipts(folder.path / "ingest.db")
    committed: FileEnd | None = None

    def begin(end: FileEnd) -> None:
        nonlocal committed
        receipts.commit(Remembered(), Tallies(), end)
        committed = end

    # Every replay reads the whole file: it must not grow faster than a slow machine reads it.
    while not stop.wait(0.002 if len(sent) < 1_000 else 0.1):
        batch = [chance.choice(["good", "bad"]) for _ in range(chance.randint(1, 4))]
        new = [letter(device, len(sent) + number) for number, device in enumerate(batch)]
        end = letters.append(new, committed, begin)
        if chance.random() < 0.1:
            end = letters.append(new, committed, begin)  # as after a crash: the same lines again
        receipts.commit(Remembered(), Tallies(), end)
        committed = end
        sent += batch
    letters.close()
    receipts.close()


@pytest.mark.timeout(600)  # it starts fifteen processes, one after the other
def test_killed_at_any_step_beside_a_running_ingest(folder: Folder) -> None:
    folder.path.mkdir(exist_ok=True)
    open_store(folder.settings()[0]).close()
    sent: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(target=ingest_at_work, args=(folder, stop, sent))
    thread.start()
    try:
        for step in STEPS:
            for when in ("before", "after"):
                assert child(folder, when, step, 1) == -9
        assert child(folder, "after", "write", 3) == -9
        assert child(folder, "never", "", 0) == 0
    finally:
        stop.set()
        thread.join()
    assert child(folder, "never", "", 0) == 0
    expected = [NOW + number for number, device in enumerate(sent) if device == "good"]
    assert folder.rows() == [("good", at) for at in expected]
    assert kept(folder) == [number for number, device in enumerate(sent) if device == "bad"]
    assert read_committed_end(folder.path / "ingest.db") is not None
    assert len(sent) > 100


def child(folder: Folder, when: str, step: str, count: int) -> int:
    root = Path(__file__).parents[3]
    command = [
        sys.executable,
        str(Path(__file__).with_name("killed_redelivery.py")),
        str(folder.path),
        when,
        step,
    ]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(
        [*command, str(count)], cwd=root, env=environment, timeout=60, check=False
    ).returncode
