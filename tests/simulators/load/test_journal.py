"""The journal of a simulated gateway: every message dropped is stored or reported lost."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from simulators.load.journal import SENT_AGAIN, SimulatedJournal
from wire.decode import decode_telemetry
from wire.messages import Ack, Reading, Telemetry

CAPACITY = 20
RESEND_AFTER = 60_000


def reading(at: int) -> Reading:
    return Reading("sim-00001", at, "heating", [], {"supply_c": 40.0})


def telemetry(payload: bytes) -> Telemetry:
    return decode_telemetry(payload).telemetry


def test_messages_are_numbered_from_one_and_decodable() -> None:
    journal = SimulatedJournal("6f1c9a2e", 30.0, CAPACITY)
    for at in (1_000_000_000_000, 1_000_000_030_000):
        journal.append([reading(at)], at)
    messages = [telemetry(message.payload) for message in journal.due(0, RESEND_AFTER)]
    assert [(message.seq, message.epoch, message.interval_s) for message in messages] == [
        (1, "6f1c9a2e", 30.0),
        (2, "6f1c9a2e", 30.0),
    ]


def test_what_was_sent_waits_for_the_watermark_and_is_sent_again_when_it_stays_away() -> None:
    journal = SimulatedJournal("e", 30.0, CAPACITY)
    journal.append([reading(1)], 1)
    (message,) = journal.due(5, RESEND_AFTER)
    message.sent(5)
    assert list(journal.due(RESEND_AFTER, RESEND_AFTER)) == []
    assert list(journal.due(5 + RESEND_AFTER, RESEND_AFTER)) == [message]


def sendings(journal: SimulatedJournal, begin: int, end: int) -> list[tuple[int, int]]:
    """The messages due between two minutes: number of the message, and the minute."""
    found = []
    for minute in range(begin, end):
        for message in journal.due(minute * RESEND_AFTER, RESEND_AFTER):
            message.sent(minute * RESEND_AFTER)
            found.append((message.seq, minute))
    return found


def test_the_longer_no_watermark_comes_the_more_rarely_it_is_sent_again() -> None:
    journal = SimulatedJournal("e", 30.0, CAPACITY)
    journal.append([reading(1)], 1)
    assert [minute for _, minute in sendings(journal, 1, 70)] == [1, 2, 3, 5, 9, 17, 33, 49, 65]
    journal.acknowledge(Ack("e", 0), 70 * RESEND_AFTER)
    assert [minute for _, minute in sendings(journal, 70, 74)] == [70, 71, 72]


def test_only_the_oldest_are_sent_again() -> None:
    journal = SimulatedJournal("e", 30.0, 2 * SENT_AGAIN)
    for at in range(2 * SENT_AGAIN):
        journal.append([reading(at)], at)
    assert len(sendings(journal, 1, 2)) == 2 * SENT_AGAIN
    assert [seq for seq, _ in sendings(journal, 2, 3)] == list(range(1, SENT_AGAIN + 1))


def test_each_message_tells_the_watermark_known_when_it_was_written() -> None:
    journal = SimulatedJournal("e", 30.0, CAPACITY)
    told = []
    for upto in (0, 0, 1, 1, 4):
        journal.acknowledge(Ack("e", upto), 0)
        journal.append([reading(1)], 1)
        told.append(
            [telemetry(message.payload).acked for message in journal.due(0, RESEND_AFTER)][-1]
        )
    assert told == [0, 0, 1, 1, 4]


def test_a_new_connection_sends_everything_again() -> None:
    journal = SimulatedJournal("e", 30.0, CAPACITY)
    for at in (1, 2, 3):
        journal.append([reading(at)], at)
    for message in journal.due(5, RESEND_AFTER):
        message.sent(5)
    journal.connection_lost()
    assert [message.seq for message in journal.due(6, RESEND_AFTER)] == [1, 2, 3]


def test_a_message_tells_the_watermark_that_was_known_when_it_was_written() -> None:
    journal = SimulatedJournal("e", 30.0, CAPACITY)
    for at in (1, 2):
        journal.append([reading(at)], at)
    journal.acknowledge(Ack("e", 1), 0)
    journal.append([reading(3)], 3)
    assert [telemetry(message.payload).acked for message in journal.due(0, RESEND_AFTER)] == [0, 1]


def test_another_epochs_watermark_means_nothing() -> None:
    journal = SimulatedJournal("mine", 30.0, CAPACITY)
    journal.append([reading(1)], 1)
    assert journal.acknowledge(Ack("other", 1), 0) == 0
    assert len(journal) == 1


class AnyOrderOfEvents(RuleBasedStateMachine):
    """A watermark may come at any time, in any order, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = SimulatedJournal("e", 30.0, CAPACITY)
        self.now = 1_700_000_000_000
        self.given = self.covered = self.upto = 0

    @rule(count=st.integers(1, 5))
    def poll(self, count: int) -> None:
        self.now += 30_000
        self.journal.append([reading(self.now + row) for row in range(count)], self.now)
        self.given += count

    @rule(upto=st.integers(0, 60))
    def watermark(self, upto: int) -> None:
        """The store never acknowledges beyond the numbers it has; a late watermark may be lower."""
        sent = max(
            (message.seq for message in self.journal.due(0, RESEND_AFTER)), default=self.upto
        )
        self.covered += self.journal.acknowledge(Ack("e", min(upto, sent)), 0)
        self.upto = max(self.upto, min(upto, sent))

    @invariant()
    def every_reading_is_waiting_covered_or_lost(self) -> None:
        assert self.given == self.covered + self.journal.lost_readings + self.journal.readings

    @invariant()
    def what_waits_is_bounded(self) -> None:
        assert len(self.journal) <= CAPACITY

    @invariant()
    def every_number_above_the_watermark_waits_or_is_reported_by_what_waits(self) -> None:
        waiting = [telemetry(message.payload) for message in self.journal.due(0, RESEND_AFTER)]
        told = {message.seq for message in waiting}
        for message in waiting:
            if message.dropped is not None:
                told |= set(range(message.dropped.first, message.dropped.last + 1))
        if waiting:
            assert set(range(self.upto + 1, waiting[-1].seq + 1)) <= told


TestAnyOrderOfEvents = AnyOrderOfEvents.TestCase
