"""Thirteen hours without network, in no time: the real journal and order of sending, a clock that
is passed in."""

import json
from collections import deque
from pathlib import Path

from gateway_agent.uplink.journal import Journal, JournalMessage
from gateway_agent.uplink.resend import Outgoing
from wire.messages import Ack, Reading

INTERVAL_MS = 30_000
SWEEPS = 13 * 3_600 // 30
DEVICES = 30
START = 1_763_740_010_000
# A weak mobile link: one message of 30 readings gets through every 200 ms, and its watermark comes
# 3 s later.
TICK_MS, ACK_AFTER_MS = 200, 3_000


class Village:
    """A gateway's journal and sending, and a store at the end of a slow link."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder / "journal.db", 30, 64)
        self.now = START
        self.made_at: dict[int, int] = {}
        self.lags: list[int] = []
        self.arrived: list[JournalMessage] = []

    def sweep(self) -> None:
        readings = [
            Reading(f"d-{n}", self.now, "heating", [], {"supply_c": 41.5}) for n in range(DEVICES)
        ]
        self.made_at[self.journal.append(readings, self.now).seq] = self.now

    def be_cut_off(self) -> None:
        for _ in range(SWEEPS):
            self.sweep()
            self.now += INTERVAL_MS

    def come_back(self) -> None:
        """Send over the slow link until everything is covered, while the sweeps go on."""
        outgoing = Outgoing(60_000, self.journal.last)
        back, in_flight, waiting = (
            self.now,
            deque[tuple[int, JournalMessage]](),
            deque[tuple[int, int]](),
        )
        mid, upto, seen = 0, 0, set[int]()
        while not self.journal.is_empty():
            if (self.now - back) % INTERVAL_MS == 0:
                self.sweep()
            for message in outgoing.choose(self.journal.pending, self.now):
                mid += 1
                outgoing.published(message, mid, self.now)
                in_flight.append((mid, message))
            if in_flight:
                done, message = in_flight.popleft()
                outgoing.delivered(done)
                self._arrive(message, back)
                seen.add(message.seq)
            while upto + 1 in seen:
                upto += 1
            waiting.append((self.now + ACK_AFTER_MS, upto))
            while waiting and waiting[0][0] <= self.now:
                ack = Ack(self.journal.epoch, waiting.popleft()[1])
                if self.journal.acknowledge(ack.epoch, ack.upto):
                    outgoing.acknowledged(ack, self.now)
            self.now += TICK_MS

    def _arrive(self, message: JournalMessage, back: int) -> None:
        self.arrived.append(message)
        if self.made_at[message.seq] >= back:
            self.lags.append(self.now - self.made_at[message.seq])


def test_thirteen_hours_drain_in_order_and_live_readings_are_not_kept_waiting(
    tmp_path: Path,
) -> None:
    village = Village(tmp_path)
    village.be_cut_off()
    assert village.journal.last == SWEEPS
    village.come_back()
    seqs = [message.seq for message in village.arrived]
    backlog = [seq for seq in seqs if seq <= SWEEPS]
    assert backlog == list(range(1, SWEEPS + 1)), "in order, each once"
    assert sorted(seqs) == list(range(1, village.journal.last + 1))
    assert (
        sum(len(json.loads(message.payload)["readings"]) for message in village.arrived)
        == len(seqs) * DEVICES
    )
    assert len(village.lags) > 5
    assert max(village.lags) < 2 * INTERVAL_MS
    assert village.journal.evicted == 0
