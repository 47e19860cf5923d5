"""Replaying a dead-letter file: what is good now goes to the store, the rest stays, and no line is
ever lost.

The file is only read until the store has everything; then one rename exchanges it for a draft that
holds the lines that stay and those that ingest has added meanwhile. Killed before the rename, the
file is as it was, and what the store has by then is found there the next time; killed after it, all
is done.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from ingest.durable.dead_letter_file import FileEnd, exchange, position_at
from ingest.durable.exclusive import exclusive
from ingest.redelivery.reexamine import GoodReading, KeptReason, Reexamined, TodaysRules, reexamine
from ingest.store.model import ReadingStore, StoredReading

_CHUNK: Final = 5_000
# How long ingest may take to commit the lines it has just written, before we give up (s), and
# between two looks.
_PATIENCE_S: Final = 15.0
_LOOK_S: Final = 0.05


class RedeliveryError(Exception):
    """The file could not be exchanged; it is as it was, and the text says what to do."""


@dataclass(slots=True)
class RedeliveryReport:
    """How many readings of each code were stored, or were stored before, and how many lines stay
    and why."""

    lines: int = 0
    stored: Counter[str] = field(default_factory=Counter)
    already: Counter[str] = field(default_factory=Counter)
    kept: dict[str, Counter[KeptReason]] = field(default_factory=dict)

    def keep(self, code: str, reason: KeptReason) -> None:
        """Count a line that stays."""
        self.kept.setdefault(code, Counter())[reason] += 1


class Redelivery:
    """One replay of the file at `path`."""

    def __init__(
        self,
        path: Path,
        committed: Callable[[], FileEnd | None],
        store: ReadingStore,
        today: TodaysRules,
        *,
        dry: bool = False,
        progress: Callable[[int, int], None] = lambda done, all_: None,
    ) -> None:
        """`committed` tells the end of the dead-letter file that ingest's receipts has committed.

        `dry` stores and changes nothing. `progress` is told the bytes read and the bytes there are.
        """
        self._path = path
        self._committed = committed
        self._store = store
        self._today = today
        self._dry = dry
        self._progress = progress
        self._report = RedeliveryReport()

    def run(self) -> RedeliveryReport:
        """Do it; raises RedeliveryError, StoreUnavailable or OSError, and then the file is as it
        was."""
        draft = self._path.with_name(f"{self._path.name}.replay")
        with exclusive(draft, "another replay of this file is at work; wait for it"):
            end = self._readable()
            with self._path.open("rb") as file, draft.open("wb") as kept:
                for chunk in _chunks(_lines(file, end.size)):
                    kept.writelines(self._examine(chunk))
                    self._progress(file.tell(), end.size)
            if not self._dry:
                self._exchange(draft, end)
            draft.unlink(missing_ok=True)
        return self._report

    def _readable(self) -> FileEnd:
        """How far the file may be read: what ingest has not committed may still be cut off
        again."""
        end, committed = position_at(self._path), self._committed()
        if committed is not None and committed.inode == end.inode:
            return FileEnd(end.inode, min(end.size, committed.size))
        return end

    def _examine(self, lines: Sequence[bytes]) -> list[bytes]:
        """Store what is good in `lines`; returns the lines that stay."""
        self._report.lines += len(lines)
        findings = [reexamine(text, self._today) for text in lines]
        stays = self._without(findings)
        kept: list[bytes] = []
        for finding in findings:
            for candidate in finding.candidates:
                reason = stays.get(id(candidate.stored))
                if reason is not None:
                    finding.kept.append((reason, candidate.line))
            for reason, text in finding.kept:
                self._report.keep(finding.code, reason)
                kept.append(text.rstrip(b"\n") + b"\n")
        return kept

    def _without(self, findings: Iterable[Reexamined]) -> dict[int, KeptReason]:
        """Store the candidates; returns those that stay in the file, by the identity of their
        reading."""
        candidates = [
            (finding.code, candidate) for finding in findings for candidate in finding.candidates
        ]
        known = self._known([candidate for _, candidate in candidates])
        new: list[tuple[str, StoredReading]] = []
        stays: dict[int, KeptReason] = {}
        for code, candidate in candidates:
            stored = candidate.stored
            there = known.get((stored.reading.device, stored.reading.at))
            if there is None:
                new.append((code, stored))
            elif there == (stored.epoch, stored.seq):
                self._report.already[code] += 1
            else:
                stays[id(stored)] = "occupied"
        return stays | self._write(new)

    def _write(self, new: Sequence[tuple[str, StoredReading]]) -> dict[int, KeptReason]:
        refused = self._store.write([stored for _, stored in new]) if new and not self._dry else []
        stays: dict[int, KeptReason] = {id(one.stored): "refused_again" for one in refused}
        self._report.stored.update(code for code, stored in new if id(stored) not in stays)
        return stays

    def _known(self, candidates: Iterable[GoodReading]) -> dict[tuple[str, int], tuple[str, int]]:
        """By device and time, the message (epoch and number) of what the store has around those of
        `candidates`."""
        spans: dict[str, tuple[int, int]] = {}
        for candidate in candidates:
            reading = candidate.stored.reading
            first, last = spans.get(reading.device, (reading.at, reading.at))
            spans[reading.device] = (min(first, reading.at), max(last, reading.at))
        return {
            (device, one.reading.at): (one.epoch, one.seq)
            for device, (first, last) in spans.items()
            for one in self._store.history(device, first, last + 1)
        }

    def _exchange(self, draft: Path, end: FileEnd) -> None:
        never = threading.Event()
        for _ in range(round(_PATIENCE_S / _LOOK_S)):
            outcome = exchange(self._path, draft, end, self._committed)
            if outcome == "done":
                return
            if outcome == "rotated":
                raise RedeliveryError(
                    f"{self._path} was rotated meanwhile and is as it was; replay the rotated file"
                )
            never.wait(_LOOK_S)
        raise RedeliveryError(
            f"{self._path} ends in lines that ingest has not committed, and is as it was; start ingest "
            "(its log says what it waits for) and replay again"
        )


def _lines(file: BinaryIO, end: int) -> Iterator[bytes]:
    while file.tell() < end and (text := file.readline(end - file.tell())):
        yield text


def _chunks(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while chunk := list(islice(lines, _CHUNK)):
        yield chunk
