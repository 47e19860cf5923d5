import json
from base64 import b64decode
from pathlib import Path

import pytest

from configuration.load import ConfigurationError
from ingest.durable.dead_letter_file import DeadLetterFile, FileEnd
from ingest.reception.dead_letter import DeadLetter, line


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "dead-letters.jsonl"


def letter(seq: int) -> DeadLetter:
    return DeadLetter(5, "too_early", "t", "mt-01", "e1", seq, "pump-1", {"at": 0})


def begin(_: FileEnd) -> None:
    """Receipts that commits."""


def seqs(path: Path) -> list[int]:
    return [json.loads(text)["seq"] for text in path.read_text().splitlines()]


def test_the_file_exists_from_the_start(path: Path) -> None:
    DeadLetterFile(path).close()
    assert path.read_bytes() == b""


def test_lines_of_an_uncommitted_batch_are_cut_off_before_it_comes_again(path: Path) -> None:
    first = DeadLetterFile(path)
    committed = first.append([letter(1)], None, begin)
    first.append([letter(2), letter(3)], committed, begin)
    first.close()
    second = DeadLetterFile(path)
    second.append([letter(2), letter(3)], committed, begin)
    second.close()
    assert seqs(path) == [1, 2, 3]


def test_a_file_without_a_committed_end_is_kept_whole(path: Path) -> None:
    first = DeadLetterFile(path)
    first.append([letter(1)], None, begin)
    first.append([letter(2)], None, begin)
    first.close()
    assert seqs(path) == [1, 2]


def test_after_rotation_a_new_file_is_begun(path: Path) -> None:
    file = DeadLetterFile(path)
    committed = file.append([letter(1), letter(2)], None, begin)
    path.rename(path.with_suffix(".1"))
    committed = file.append([letter(3)], committed, begin)
    file.append([letter(4)], committed, begin)
    file.close()
    assert (seqs(path.with_suffix(".1")), seqs(path)) == ([1, 2], [3, 4])


def test_another_file_is_committed_before_anything_is_added_to_it(path: Path) -> None:
    file, begun = DeadLetterFile(path), list[FileEnd]()
    committed = file.append([letter(1)], None, begun.append)
    path.rename(path.with_suffix(".1"))
    again = file.append([letter(2)], committed, begun.append)
    file.append([letter(3)], again, begun.append)
    file.close()
    assert begun == [FileEnd(committed.inode, 0), FileEnd(again.inode, 0)]


def test_what_json_cannot_carry_is_written_as_text() -> None:
    reading = {"values": [float("nan"), float("inf"), 1.5, {"x": -float("inf")}]}
    document = json.loads(line(DeadLetter(1, "c", "t", reading=reading)))
    assert document["reading"] == {"values": ["nan", "inf", 1.5, {"x": "-inf"}]}


def test_only_the_first_4_kb_of_a_payload_are_kept() -> None:
    document = json.loads(line(DeadLetter(1, "c", "t", payload=bytes(5_000))))
    assert b64decode(document["payload"]) == bytes(4_096)


def test_a_folder_in_its_place_is_a_configuration_error(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"dead-letters.jsonl: Is a directory; check"):
        DeadLetterFile(path)
