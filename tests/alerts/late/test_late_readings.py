"""Late readings: what they tell of the past becomes alert history, and nothing else."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from alerts.core.district import District
from alerts.core.event_budget import BURST
from alerts.core.practice import practice_of
from alerts.late.late_readings import (
    LAG_MS,
    LEAD_MS,
    LONGEST_MS,
    QUIET_MS,
    LateReadings,
    together,
    window,
)
from alerts.store.late_spans import LateSpan
from alerts.store.write_round import write_round
from desk.database.engine import open_database, reading, writing
from desk.database.tables import AlertRow, FeedEventRow, LateSpanRow, OutboxRow, TicketRow
from desk.tickets.terms import ServiceTerms
from ingest.store import ReadingStore, StoredReading, StoreSettings, open_store
from rules.readings.season import Season
from tests.alerts.messages import CHINA, birth_message, telemetry_message
from tests.rules.shipped import PLACE, T0, shipped, shipped_rules
from wire.messages import Reading, Telemetry

DEVICE = "mtg-mt-0001"
STEP = 30_000
RULES = [shipped("fault"), shipped("low_room_temperature", on_delay="2m")]
PRACTICE = practice_of(shipped_rules(), ServiceTerms(CHINA))


class World:
    """An alert service's parts around one device; time is that of its readings."""

    def __init__(self, folder: Path) -> None:
        self.settings = StoreSettings(url=f"sqlite:{folder}/readings.db")
        self.store: ReadingStore = open_store(self.settings)
        self.database: Engine = open_database(f"sqlite:///{folder}/tickets.db")
        self.district = District(RULES, T0)
        self.district.receive(birth_message(PLACE, T0, DEVICE), T0)
        self.district.take_round(T0)
        self.seq = 0
        self.now = T0

    def hear(self, readings: Sequence[Reading], seq: int | None = None) -> None:
        """A message comes, now or again with an older `seq`: stored by ingest, judged by the
        service."""
        self.seq += 1
        number = seq or self.seq
        self.now = max(self.now, *(one.at for one in readings)) + 1
        self.store.write([StoredReading(PLACE, "e", number, one) for one in readings])
        telemetry = Telemetry(1, "e", number, self.now, 30, list(readings))
        self.district.receive(telemetry_message(PLACE, telemetry), self.now)
        self.district.tick(self.now)
        with writing(self.database) as session:
            write_round(session, self.district.take_round(self.now), PRACTICE)

    def evaluate_history(self) -> None:
        """As many turns as it takes, a while later."""
        history = LateReadings(self.database, lambda: open_store(self.settings), RULES, Season())
        for _ in range(20):
            history.turn(self.district.interval_of, self.now + QUIET_MS)
        history.close()

    def rows(self, table: type) -> list:  # type: ignore[type-arg]
        with reading(self.database) as session:
            found = list(session.scalars(select(table)))
            session.expunge_all()
        return found

    def told(self) -> tuple[int, int, int]:
        """How many tickets, feed lines and messages there are."""
        return tuple(len(self.rows(table)) for table in (TicketRow, FeedEventRow, OutboxRow))  # type: ignore[return-value]

    def alerts(self) -> list[tuple[str, str, int, int | None, bool]]:
        found = [
            (row.rule, row.state, row.onset, row.ended, row.announced_at is not None)
            for row in self.rows(AlertRow)
        ]
        return sorted(found, key=lambda one: one[2])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.store.close()
    world.database.dispose()


def at(step: int, *faults: str, room: float = 20.0) -> Reading:
    return Reading(DEVICE, T0 + step * STEP, "heating", list(faults), {"room_c": room})


def healthy(*steps: int) -> list[Reading]:
    return [at(step) for step in steps]


def test_a_past_episode_is_recorded_once_without_ticket_or_message(world: World) -> None:
    world.hear(healthy(0, 1, 2))
    world.hear(healthy(20, 21, 22))
    before = world.told()
    late = [*healthy(3, 4), at(5, "fan:E8"), at(6, "fan:E8"), *healthy(*range(7, 20))]
    random.Random(1).shuffle(late)
    for number, one in enumerate(late):
        world.hear([one], seq=100 + number)
    assert world.alerts() == []
    world.evaluate_history()
    expected = [("fault", "cleared", T0 + 5 * STEP, T0 + 8 * STEP, False)]
    assert world.alerts() == expected
    assert world.told() == before
    assert world.rows(LateSpanRow) == []
    world.hear([at(5, "fan:E8")], seq=200)
    world.evaluate_history()
    assert world.alerts() == expected
    assert world.told() == before


def test_what_is_sent_again_is_not_late(world: World) -> None:
    world.hear(healthy(0, 1))
    world.hear(healthy(2, 3))
    world.hear(healthy(0, 1), seq=1)
    assert world.rows(LateSpanRow) == []


def test_a_current_alert_is_neither_closed_nor_opened_again(world: World) -> None:
    world.hear(healthy(0, 1))
    world.hear([at(20, "fan:E8")])
    world.hear([at(2, "fan:E8"), at(3, "fan:E8")])
    world.hear([*healthy(4, 5, 6), at(19, "fan:E8")])
    world.evaluate_history()
    assert world.alerts() == [
        ("fault", "cleared", T0 + 2 * STEP, T0 + 5 * STEP, False),
        ("fault", "active", T0 + 20 * STEP, None, True),
    ]
    assert len(world.rows(TicketRow)) == 1


def test_it_waits_for_the_backlog_to_end_and_for_the_store(world: World) -> None:
    world.hear(healthy(0, 1, 20))
    world.hear([at(2, "fan:E8"), *healthy(3, 4, 5)])
    history = LateReadings(world.database, lambda: open_store(world.settings), RULES, Season())
    history.turn(world.district.interval_of, world.now + QUIET_MS - 1)
    away = StoreSettings(url="influxdb+http://127.0.0.1:9/none/none")
    waiting = LateReadings(world.database, lambda: open_store(away), RULES, Season())
    for _ in range(5):
        waiting.turn(world.district.interval_of, world.now + QUIET_MS)
    assert world.alerts() == []
    assert len(world.rows(LateSpanRow)) == 1
    world.evaluate_history()
    assert len(world.alerts()) == 1


def test_long_spans_are_judged_one_by_one_and_their_end_at_most() -> None:
    hour = 3_600_000
    short = [LateSpan(f"d-{number}", T0, T0 + hour, T0) for number in range(30)]
    assert len(together(short)) == 25
    assert together([]) == []
    endless = LateSpan("d-0", T0, T0 + LONGEST_MS + 9 * hour, T0)
    assert together([endless, *short]) == [endless]
    start, end = window(endless)
    assert end - start == LONGEST_MS + LEAD_MS + LAG_MS


@pytest.mark.parametrize("seed", range(8))
def test_a_gap_filled_later_gives_the_episodes_of_a_clean_run(seed: int, tmp_path: Path) -> None:
    source = random.Random(seed)
    readings = [
        at(
            step,
            *(["fan:E8"] if (step // 5 + seed) % 3 == 0 else []),
            room=15.0 if (step // 9 + seed) % 4 == 0 else 20.0,
        )
        for step in range(120)
    ]
    world_end = readings[-1].at + 1
    first, last = source.randrange(5, 40), source.randrange(80, 115)
    for name in ("clean", "late"):
        (tmp_path / name).mkdir()
    clean, late = World(tmp_path / "clean"), World(tmp_path / "late")
    for one in readings:
        clean.hear([one])
    for one in [*readings[:first], *readings[last:]]:
        late.hear([one])
    backlog = readings[first:last]
    source.shuffle(backlog)
    late.hear(backlog, seq=1_000)
    late.evaluate_history()
    inside = [
        one[:4]
        for one in clean.alerts()
        if one[2] >= readings[first].at + 5 * STEP
        and one[3] is not None
        and one[3] <= readings[last - 1].at
    ]
    found = [one[:4] for one in late.alerts()]
    assert inside
    for rule, state, onset, ended in inside:
        # An alert that was open when the gap began is taken to have lasted until the readings after
        # it said otherwise.
        spans = [(one[2], one[3] or world_end) for one in found if one[0] == rule]
        assert (rule, state, onset, ended) in found or any(
            begin < onset and end > ended for begin, end in spans
        )
    for world in (clean, late):
        world.store.close()
        world.database.dispose()


def test_late_readings_with_another_code_each_time_fill_no_table(world: World) -> None:
    world.hear(healthy(0, 1, 2))
    world.hear(healthy(40, 41, 42))
    flood = [
        at(step, *(f"other:{step // 2}-{number}" for number in range(20))) for step in range(4, 24)
    ]
    world.hear([*healthy(3), *flood, *healthy(*range(24, 40))])
    world.evaluate_history()
    assert len(world.alerts()) == BURST
    assert {state for _, state, *_ in world.alerts()} == {"cleared"}
