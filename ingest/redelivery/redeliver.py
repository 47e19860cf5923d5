"""Redelivery of a dead-letter file: good readings go to the store, the other lines stay.

The file is only read until the store has all good readings. Then one rename exchanges it for a
draft with the lines that stay, and with those that ingest has added meanwhile. A kill before the
rename leaves the file unchanged, and the next redelivery finds the stored readings in the store.
A kill after the rename changes nothing.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from configuration.exclusive import exclusive
from configuration.links import refuse_links
from ingest.durable.dead_letter_file import FileEnd, end_of, exchange
from ingest.redelivery.reexamine import (
    GoodReading,
    KeptReason,
    Reexamined,
    TodaysRules,
    reexamine,
)
from ingest.store.model import ReadingStore, StoredReading

_CHUNK: Final = 5_000
# How long to wait for ingest to commit its newest lines, and the pause between two checks (s).
_PATIENCE_S: Final = 15.0
_CHECK_EVERY_S: Final = 0.05


class RedeliveryError(Exception):
    """The file could not be exchanged and is unchanged; the text says what to do."""


@dataclass(slots=True)
class RedeliveryReport:
    """The lines read, and by code the readings stored now or before and the lines that stay."""

    lines: int = 0
    stored: Counter[str] = field(default_factory=Counter)
    already: Counter[str] = field(default_factory=Counter)
    kept: dict[str, Counter[KeptReason]] = field(default_factory=dict)

    def keep(self, code: str, reason: KeptReason) -> None:
        """Count a line that stays."""
        self.kept.setdefault(code, Counter())[reason] += 1


class Redelivery:
    """One redelivery of the file at `path`."""

    def __init__(
        self,
        path: Path,
        committed: Callable[[], FileEnd | None],
        store: ReadingStore,
        rules: TodaysRules,
        *,
        dry: bool = False,
        progress: Callable[[int, int], None] = lambda done, all_: None,
    ) -> None:
        """`committed` returns the end of the dead-letter file in the receipts of ingest.

        `dry` stores and changes nothing. `progress` gets the bytes read so far and all bytes.
        """
        self._path = path
        self._committed = committed
        self._store = store
        self._rules = rules
        self._dry = dry
        self._progress = progress
        self._report = RedeliveryReport()

    def run(self) -> RedeliveryReport:
        """Redeliver the file.

        Raises RedeliveryError, StoreUnavailable, OSError, or ConfigurationError for a link; the
        file is unchanged then.
        """
        refuse_links(self._path)
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
        """Return the end of the readable part: ingest may cut off lines it has not committed."""
        end, committed = end_of(self._path), self._committed()
        return committed if committed is not None and committed.is_before(end) else end

    def _examine(self, lines: Sequence[bytes]) -> list[bytes]:
        """Store the good readings of `lines`; returns the lines that stay, in order."""
        self._report.lines += len(lines)
        results = [reexamine(text, self._rules) for text in lines]
        self._store_good(results)
        kept: list[bytes] = []
        for result in results:
            assert result.good or result.kept, "a line is stored or stays, never lost"
            stays = [(good.stays, good.line) for good in result.good if good.stays is not None]
            for reason, text in [*result.kept, *stays]:
                self._report.keep(result.code, reason)
                kept.append(text.rstrip(b"\n") + b"\n")
        return kept

    def _store_good(self, results: Sequence[Reexamined]) -> None:
        """Store the good readings that the store does not have, and note which lines stay."""
        known = self._known([good for result in results for good in result.good])
        new: list[tuple[str, GoodReading]] = []
        for result in results:
            for good in result.good:
                there = known.get((good.stored.reading.device, good.stored.reading.at))
                if there is None:
                    new.append((result.code, good))
                elif there == (good.stored.epoch, good.stored.seq):
                    self._report.already[result.code] += 1
                else:
                    good.stays = "occupied"
        self._write(new)

    def _write(self, new: Sequence[tuple[str, GoodReading]]) -> None:
        refused = set()
        if new and not self._dry:
            refusals = self._store.write([good.stored for _, good in new])
            refused = {_identity(refusal.stored) for refusal in refusals}
        for code, good in new:
            if _identity(good.stored) in refused:
                good.stays = "refused_again"
            else:
                self._report.stored[code] += 1

    def _known(self, readings: Sequence[GoodReading]) -> dict[tuple[str, int], tuple[str, int]]:
        """Return the epoch and message number of stored readings, by device and time.

        They cover the times of `readings`, device by device.
        """
        spans: dict[str, tuple[int, int]] = {}
        for good in readings:
            reading = good.stored.reading
            first, last = spans.get(reading.device, (reading.at, reading.at))
            spans[reading.device] = (min(first, reading.at), max(last, reading.at))
        return {
            (device, stored.reading.at): (stored.epoch, stored.seq)
            for device, (first, last) in spans.items()
            for stored in self._store.history(device, first, last + 1)
        }

    def _exchange(self, draft: Path, end: FileEnd) -> None:
        for _ in range(round(_PATIENCE_S / _CHECK_EVERY_S)):
            outcome = exchange(self._path, draft, end, self._committed)
            if outcome == "done":
                return
            if outcome == "rotated":
                raise RedeliveryError(
                    f"{self._path} was rotated meanwhile and is as it was; replay the rotated file"
                )
            time.sleep(_CHECK_EVERY_S)
        raise RedeliveryError(
            f"{self._path} ends in lines that ingest has not committed, and is as it was; "
            "start ingest (its log says what it waits for) and replay again"
        )


def _identity(stored: StoredReading) -> tuple[str, int, str, int]:
    return stored.reading.device, stored.reading.at, stored.epoch, stored.seq


def _lines(file: BinaryIO, end: int) -> Iterator[bytes]:
    while file.tell() < end and (text := file.readline(end - file.tell())):
        yield text


def _chunks(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while chunk := list(islice(lines, _CHUNK)):
        yield chunk
