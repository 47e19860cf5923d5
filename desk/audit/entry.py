"""One line of the audit log, and the chain of hashes that binds each line to the one before; pure.

Who changes, removes or inserts a line breaks the chain from there on. Who can write the database
can also compute the chain anew; therefore keep an id and its hash elsewhere (`audit verify` prints
the newest), and verify against it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any, Final

GENESIS: Final = "0" * 64
"""What the first line of a log follows."""

EXPIRED: Final = "audit.expired"
"""The line that says up to which id (`subject`) older lines are gone, with that line's hash."""

State = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the name on record, and the network address; None for a command on the server."""

    name: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A line; `at` is UTC ms, `before` and `after` are the fields that changed."""

    id: int
    at: int
    who: str
    address: str | None
    what: str
    subject: str | None
    before: State | None
    after: State | None
    previous: str
    hash: str

    def link(self) -> str:
        """Return the SHA-256 (hex) over the hash of the line before and all that this one says."""
        said = [getattr(self, field.name) for field in fields(self) if field.name != "hash"]
        return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain is broken, and how: `missing`, `changed` or `cut`.

    `expired` says that the line kept elsewhere went with the old ones: nothing can be said by it.
    """

    id: int
    how: str


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What a walk along the chain found: lines, the newest id and its hash, the first break."""

    lines: int
    newest: int
    head: str
    broken: Break | None


def walk(entries: Iterable[AuditEntry], known: tuple[int, str] | None = None) -> ChainVerdict:
    """Walk along the chain, oldest line first.

    `known` is an id and its hash as kept elsewhere: the log must hold both. Lines before the first
    one may be gone only if a later line says so.
    """
    walked = _Walk(known)
    for entry in entries:
        walked.step(entry)
    return walked.verdict()


class _Walk:
    def __init__(self, known: tuple[int, str] | None) -> None:
        self._known = known
        self._lines, self._newest, self._head = 0, 0, GENESIS
        self._begin = (0, GENESIS)
        self._expired = {(0, GENESIS)}
        self._broken: Break | None = None
        self._seen_known = False

    def step(self, entry: AuditEntry) -> None:
        if self._lines == 0:
            self._newest, self._head = self._begin = (entry.id - 1, entry.previous)
        self._broken = self._broken or self._break_at(entry)
        self._lines, self._newest, self._head = self._lines + 1, entry.id, entry.hash
        self._seen_known = self._seen_known or (entry.id, entry.hash) == self._known
        if entry.what == EXPIRED and entry.after is not None:
            self._expired.add((int(entry.subject or 0), str(entry.after.get("hash"))))

    def _break_at(self, entry: AuditEntry) -> Break | None:
        if entry.id != self._newest + 1 or entry.previous != self._head:
            return Break(entry.id, "missing")
        return None if entry.link() == entry.hash else Break(entry.id, "changed")

    def verdict(self) -> ChainVerdict:
        broken = self._broken
        if broken is None and self._begin not in self._expired:
            broken = Break(self._begin[0], "missing")
        if broken is None and self._known is not None and not self._seen_known:
            broken = Break(self._known[0], self._unseen(self._known[0]))
        return ChainVerdict(self._lines, self._newest, self._head, broken)

    def _unseen(self, known: int) -> str:
        """Why the log does not hold the line of this id that was kept elsewhere."""
        if known > self._newest:
            return "cut"
        return "expired" if known <= self._begin[0] else "changed"
