"""What is published when: everything arrives at last, live data first, and nothing floods the
broker."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway_agent.uplink.journal import JournalMessage
from gateway_agent.uplink.resend import MAX_FAILURES, MAX_PATIENCE, MAX_UNCOVERED, WINDOW, Outgoing
from wire.messages import Ack

RESEND_MS = 60_000


class Rows:
    """The journal as `Outgoing` sees it."""

    def __init__(self, last: int) -> None:
        self.held = set(range(1, last + 1))
        self.last = last

    def add(self) -> None:
        self.last += 1
        self.held.add(self.last)

    def __call__(self, after: int, limit: int) -> list[JournalMessage]:
        return [
            JournalMessage(seq, b"")
            for seq in sorted(seq for seq in self.held if seq > after)[:limit]
        ]


class Wire:
    """Publishes what is chosen; the broker takes it over unless told otherwise."""

    def __init__(self, backlog: int) -> None:
        self.rows = Rows(backlog)
        self.outgoing = Outgoing(RESEND_MS, backlog)
        self.outgoing.connected(backlog)
        self.now = 0
        self.mid = 0
        self.sent: list[int] = []

    def turn(self, *, puback: bool = True) -> list[int]:
        chosen = self.outgoing.choose(self.rows, self.now)
        for message in chosen:
            self.mid += 1
            self.outgoing.published(message, self.mid, self.now)
            if puback:
                self.outgoing.delivered(self.mid)
        self.sent += [message.seq for message in chosen]
        return [message.seq for message in chosen]

    def ack(self, upto: int) -> None:
        self.rows.held -= set(range(1, upto + 1))
        self.outgoing.acknowledged(Ack("e", upto), self.now)


def test_live_messages_have_a_place_beside_the_backlog_and_the_backlog_is_in_order() -> None:
    wire = Wire(100)
    assert wire.turn() == list(range(1, WINDOW + 1))
    wire.rows.add()
    assert wire.turn() == [*range(21, 40), 101]
    while wire.turn():
        pass
    assert sorted(wire.sent) == list(range(1, 102))


def test_no_more_is_in_flight_than_the_window() -> None:
    wire = Wire(100)
    assert len(wire.turn(puback=False)) == WINDOW
    assert wire.turn() == []
    wire.outgoing.delivered(1)
    assert wire.turn() == [WINDOW + 1]


def test_what_is_not_covered_is_sent_again_oldest_first_and_not_before() -> None:
    wire = Wire(3)
    assert wire.turn() == [1, 2, 3]
    wire.now = RESEND_MS - 1
    assert wire.turn() == []
    wire.ack(1)
    wire.now = RESEND_MS
    assert wire.turn() == [2, 3]


def sendings(wire: Wire, lasts_ms: int, step_ms: int) -> list[int]:
    """When something was sent again within so long from now, in resend times."""
    began, found = wire.now, []
    while wire.now < began + lasts_ms:
        wire.now += step_ms
        if wire.turn():
            found.append(wire.now // RESEND_MS)
    return found


def test_the_longer_no_watermark_comes_the_more_rarely_it_is_sent_again() -> None:
    wire = Wire(3)
    wire.turn()
    again = sendings(wire, 100 * RESEND_MS, RESEND_MS)
    assert again[:6] == [1, 2, 4, 8, 16, 32]
    assert {later - earlier for earlier, later in pairwise(again[5:])} == {MAX_PATIENCE}


def test_a_watermark_ends_the_patience() -> None:
    wire = Wire(3)
    wire.turn()
    sendings(wire, 40 * RESEND_MS, RESEND_MS)
    wire.ack(1)
    wire.sent.clear()
    wire.now += RESEND_MS
    assert wire.turn() == [2, 3]


def test_what_is_sent_after_a_quiet_time_is_not_waited_for_longer() -> None:
    wire = Wire(1)
    wire.turn()
    wire.ack(1)
    wire.now += 10 * RESEND_MS
    wire.rows.add()
    assert wire.turn() == [2]
    wire.now += RESEND_MS
    assert wire.turn() == [2]


def test_an_absent_store_does_not_make_it_pour_out_the_whole_journal() -> None:
    wire = Wire(5_000)
    while wire.turn():
        pass
    assert len(wire.sent) == MAX_UNCOVERED
    wire.now += RESEND_MS
    assert wire.turn() == list(range(1, WINDOW + 1))
    assert wire.turn() == []
    wire.ack(500)
    assert wire.turn()[0] == 501


def test_a_reconnect_sends_again_at_once_but_not_what_the_client_itself_sends_again() -> None:
    wire = Wire(30)
    wire.turn()
    wire.turn(puback=False)
    wire.outgoing.connected(wire.rows.last)
    assert wire.turn() == list(range(1, 11))


def test_live_messages_beyond_memory_are_sent_again_too() -> None:
    wire = Wire(0)
    for _ in range(3 * MAX_UNCOVERED):
        wire.rows.add()
        wire.turn()
    assert wire.outgoing.watermark == 0
    sent = len(wire.sent)
    wire.ack(2 * MAX_UNCOVERED)
    while wire.turn():
        pass
    assert set(wire.sent[sent:]) >= set(range(2 * MAX_UNCOVERED + 1, 3 * MAX_UNCOVERED + 1))


def test_a_message_that_fails_three_times_beside_a_living_receiver_is_unreadable() -> None:
    wire = Wire(2)
    wire.turn()
    for _ in range(MAX_FAILURES - 1):
        wire.now += 1_000
        wire.outgoing.acknowledged(Ack("e", 0), wire.now)
        wire.now += RESEND_MS
        for _ in range(5):  # every sending counts once, however often one looks
            assert wire.outgoing.unreadable(wire.now) is None
        assert wire.turn() == [1, 2]
    wire.now += 1_000
    wire.outgoing.acknowledged(Ack("e", 0), wire.now)
    wire.now += RESEND_MS
    assert wire.outgoing.unreadable(wire.now) == 1


def test_silence_of_the_receiver_makes_nothing_unreadable() -> None:
    wire = Wire(2)
    for _ in range(20):
        wire.turn()
        wire.now += RESEND_MS
        assert wire.outgoing.unreadable(wire.now) is None


class LossyPath(RuleBasedStateMachine):
    """Any order of losses, reconnects, acknowledgements and new readings."""

    def __init__(self) -> None:
        super().__init__()
        self.wire = Wire(7)
        self.stored: set[int] = set()

    @rule()
    def read_a_heat_pump(self) -> None:
        self.wire.rows.add()

    @rule(kept=st.lists(st.booleans(), min_size=WINDOW, max_size=WINDOW), puback=st.booleans())
    def publish(self, kept: list[bool], puback: bool) -> None:
        chosen = self.wire.turn(puback=puback)
        self.stored |= {seq for seq, keep in zip(chosen, kept, strict=False) if keep}

    @rule()
    def acknowledge(self) -> None:
        upto = next(seq for seq in range(1, self.wire.rows.last + 2) if seq not in self.stored) - 1
        self.wire.ack(upto)

    @rule()
    def reconnect(self) -> None:
        for mid in range(1, self.wire.mid + 1):
            self.wire.outgoing.delivered(mid)
        self.wire.outgoing.connected(self.wire.rows.last)

    @rule(ms=st.integers(0, 2 * RESEND_MS))
    def wait(self, ms: int) -> None:
        self.wire.now += ms

    @invariant()
    def the_watermark_never_passes_what_is_not_stored(self) -> None:
        assert set(range(1, self.wire.outgoing.watermark + 1)) <= self.stored

    def teardown(self) -> None:
        """Once the path works, everything arrives."""
        self.reconnect()
        for _ in range(200):
            self.publish([True] * WINDOW, puback=True)
            self.acknowledge()
            self.wire.now += RESEND_MS
            if not self.wire.rows.held:
                return
        raise AssertionError(f"never arrived: {sorted(self.wire.rows.held)}")


LossyPath.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLossyPath = LossyPath.TestCase


@given(st.integers(0, 60), st.integers(0, 60))
def test_every_backlog_is_sent_whole(backlog: int, live: int) -> None:
    wire = Wire(backlog)
    for _ in range(live):
        wire.rows.add()
    while wire.turn():
        pass
    assert sorted(wire.sent) == list(range(1, backlog + live + 1))
