"""A thousand crashes at seeded points between store, dead letters, receipts, PUBACK and watermark
(reliability §1).

One process plays one life of ingest after the other: everything in memory is forgotten at a crash,
the files stay, and the broker sends again what was not acknowledged. The receipts, the dead-letter
file, the judge and the committer are the real ones; store and broker keep in memory what a real one
keeps on its disk.
"""

import random
import threading
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ingest.durable.commit import Committer
from ingest.durable.dead_letter_file import DeadLetterFile
from ingest.durable.receipts import Receipts, read_receipts
from ingest.reception.batch import MessageBatch
from ingest.reception.device_registry import DeviceRegistry
from ingest.reception.validation import Validator
from ingest.store.model import Prepared, RefusedReading, StoredReading
from messaging.session import Delivery, Puback
from tests.ingest.harness import PLACE, Folder, reading, telemetry
from wire.messages import Ack
from wire.topics import GatewayPath, gateway_topic

NOW = 1_763_740_012_345
CRASHES = 1_000
TOPIC = gateway_topic("telemetry", PLACE)


class Killed(BaseException):
    """The process is gone; nothing may catch this."""


@dataclass
class Fate:
    """Kills at the n-th step from now; `reached` counts what was done last before each death."""

    chance: random.Random
    left: int = 0
    reached: Counter[str] = field(default_factory=Counter)

    def step(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.reached[name] += 1
            raise Killed


class Store:
    """Keeps one point per device and time, counts writes that would change one, and refuses some
    for good."""

    writers = 1

    def __init__(self, fate: Fate) -> None:
        self._fate = fate
        self.points: dict[tuple[str, int], StoredReading] = {}
        self.changed = 0

    def prepare(self, readings: Sequence[StoredReading]) -> Prepared:
        return Prepared(readings, ())

    def write_prepared(self, prepared: Prepared) -> list[RefusedReading]:
        self._fate.step("before write")
        refused = []
        for stored in prepared.readings:
            key = (stored.reading.device, stored.reading.at)
            if stored.reading.at % 97 == 0:
                refused.append(RefusedReading(stored, "store_refused", "97"))
                continue
            self.changed += self.points.get(key, stored) != stored
            self.points[key] = stored
            self._fate.step("within write")
        self._fate.step("after write")
        return refused


class Broker:
    """Keeps a message until it is acknowledged, sends it again to each new life, and loses order
    and some PUBACKs."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate
        self.kept: dict[int, tuple[bytes, bool]] = {}
        self.watermark = 0

    def deliveries(self, connection: int) -> list[Delivery]:
        deliveries = [
            Delivery(TOPIC, payload, False, 1, mid, connection, again)
            for mid, (payload, again) in self.kept.items()
        ]
        self.kept = {mid: (payload, True) for mid, (payload, _) in self.kept.items()}
        return deliveries

    def acknowledge(self, puback: Puback) -> bool:
        self._fate.step("before puback")
        self.kept.pop(puback.mid, None)
        self._fate.step("after puback")
        return True

    def publish(self, answers: Iterable[tuple[GatewayPath, Ack]]) -> None:
        for _, ack in answers:
            self._fate.step("before watermark")
            self.watermark = max(self.watermark, ack.upto)
            self._fate.step("after watermark")


class Stepping:
    """Receipts or dead-letter file whose write is a step that may be the last, before or after it
    is done."""

    def __init__(self, inner: Any, name: str, method: str, fate: Fate) -> None:
        self._inner, self._name, self._method, self._fate = inner, name, method, fate

    def __getattr__(self, name: str) -> Any:
        answer = getattr(self._inner, name)
        return self._stepping(answer) if name == self._method else answer

    def _stepping(self, method: Any) -> Any:
        def call(*arguments: Any) -> Any:
            self._fate.step(f"before {self._name}")
            answer = method(*arguments)
            self._fate.step(f"after {self._name}")
            return answer

        return call


class Gateway:
    """Numbers messages; sends again what the watermark does not cover; one reading in twenty is
    bad."""

    def __init__(self) -> None:
        self.payloads: dict[int, bytes] = {}
        self.good: list[int] = []
        self.bad: list[int] = []

    def new(self) -> bytes:
        seq = len(self.payloads) + 1
        at = NOW + seq
        readings = [reading("pump-1", at)]
        self.good.append(at)
        if seq % 20 == 0:
            readings.append(reading("pump-1", 5))
            self.bad.append(seq)
        self.payloads[seq] = telemetry(seq, readings)
        return self.payloads[seq]


class World:
    """All that outlives a crash."""

    def __init__(self, folder: Folder, seed: int) -> None:
        self.chance = random.Random(seed)
        self.fate = Fate(self.chance)
        self.folder = folder
        self.store, self.broker, self.gateway = Store(self.fate), Broker(self.fate), Gateway()
        self._mid = 0
        self._lives = 0

    def publish(self, payload: bytes) -> None:
        self._mid += 1
        self.broker.kept[self._mid] = (payload, False)

    def send_some(self) -> None:
        for _ in range(self.chance.randint(0, 6)):
            self.publish(self.gateway.new())
        if self.chance.random() < 0.2:
            overdue = range(self.broker.watermark + 1, len(self.gateway.payloads) + 1)
            for seq in list(overdue)[:5]:
                self.publish(self.gateway.payloads[seq])
        if self.chance.random() < 0.1 and self.broker.kept:  # a broker that forgets
            self.broker.kept.pop(self.chance.choice(list(self.broker.kept)))

    def live(self, steps: int) -> None:
        """One life of ingest: until its fate, or until nothing is left to do."""
        self._lives += 1
        self.fate.left = steps
        letters = DeadLetterFile(self.folder.dead_letters)
        receipts = Receipts(self.folder.path / "ingest.db")
        receipts._database.execute("PRAGMA synchronous = OFF")
        try:
            self._serve(letters, receipts)
        except Killed:
            pass
        finally:
            letters.close()
            receipts.close()

    def _serve(self, letters: DeadLetterFile, receipts: Receipts) -> None:
        remembered, committed = receipts.load()
        registry = DeviceRegistry(remembered)
        validator = Validator(registry)
        committer = Committer(
            self.store,  # type: ignore[arg-type]
            Stepping(letters, "letters", "append", self.fate),  # type: ignore[arg-type]
            Stepping(receipts, "commit", "commit", self.fate),  # type: ignore[arg-type]
            committed,
            self.broker,  # type: ignore[arg-type]
            self.broker,  # type: ignore[arg-type]
            "hw/v1",
        )
        committer.recover()
        waiting = deque(self.broker.deliveries(self._lives))
        while waiting:
            batch = MessageBatch()
            for _ in range(min(len(waiting), self.chance.randint(1, 8))):
                delivery = waiting.popleft()
                batch.add(
                    delivery,
                    validator.validate(
                        delivery.topic, delivery.payload, NOW, again=delivery.redelivered
                    ),
                    NOW,
                )
            batch.seal(registry, self.store)  # type: ignore[arg-type]
            committer.commit(batch, _Now(self.store, batch), NOW, threading.Event())  # type: ignore[arg-type]
        committer.close()


class _Now:
    """A write that happens when it is waited for, in the thread that may be killed."""

    def __init__(self, store: Store, batch: MessageBatch) -> None:
        self._store, self._batch = store, batch

    def result(self) -> list[RefusedReading]:
        return self._store.write_prepared(self._batch.prepared)


def test_a_thousand_crashes_lose_nothing_and_double_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A killed process leaves the kernel all that it has written: waiting for the disk would only
    # take time.
    monkeypatch.setattr("ingest.durable.dead_letter_file.os.fsync", lambda _: None)
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    world = World(Folder(tmp_path), seed)
    while world.fate.reached.total() < CRASHES:
        world.send_some()
        world.live(world.chance.randint(1, 25))
    while world.broker.watermark < len(world.gateway.payloads):
        for seq in range(world.broker.watermark + 1, len(world.gateway.payloads) + 1):
            world.publish(world.gateway.payloads[seq])
        world.live(-1)
    refused = {at for at in world.gateway.good if at % 97 == 0}
    assert [at for _, at in sorted(world.store.points)] == [
        at for at in world.gateway.good if at not in refused
    ]
    assert world.store.changed == 0
    letters = world.folder.letters()
    assert (
        sorted(int(str(letter["seq"])) for letter in letters if letter["code"] == "too_early")
        == world.gateway.bad
    )
    assert {letter["seq"] for letter in letters if letter["code"] == "store_refused"} == {
        at - NOW for at in refused
    }
    assert len(letters) == len(world.gateway.bad) + len(refused)
    _, tallies = read_receipts(tmp_path / "ingest.db")
    counts = tallies.counts[PLACE]
    assert counts["readings"] == len(world.store.points)
    assert (counts["rejected:too_early"], counts["rejected:store_refused"]) == (
        len(world.gateway.bad),
        len(refused),
    )
    # Every kind of moment was really met.
    steps = ["write", "letters", "commit", "puback", "watermark"]
    assert {f"{when} {step}" for step in steps for when in ("before", "after")} <= set(
        world.fate.reached
    )
