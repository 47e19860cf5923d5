"""Late readings (design §4.7) become alert history, without a ticket or a notification.

An engine of its own evaluates the readings of a device around the late ones anew, from the reading
store: how the late ones fell among the others then makes no difference. Only alerts that have ended
are recorded.
"""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from typing import Final

import structlog
from sqlalchemy import Engine as Database

from alerts import metrics
from alerts.core.event_budget import BURST, TOO_MANY
from alerts.core.life import apply
from alerts.core.record import AlertRecord
from alerts.store.late_spans import LateSpan, quiet_spans, store_history
from desk.database.engine import reading, writing
from ingest.store import ReadingStore, StoredReading, StoreUnavailable
from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.readings.season import Season
from rules.transitions.transition import Transition
from wire.location import Location
from wire.topics import GatewayPath
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS

_log = structlog.get_logger()

QUIET_MS: Final = MINUTE_MS
"""A span is evaluated when nothing late has come for so long: ingest has stored the backlog."""

LEAD_MS: Final = 6 * HOUR_MS
"""Read before a span, so that on-delays and running sums are as they were; no rule remembers longer
and judges by it."""

LAG_MS: Final = HOUR_MS
"""Read after a span, so that conditions that began in it end."""

RETRY_MS: Final = MINUTE_MS
LONGEST_MS: Final = 14 * DAY_MS
"""Of a longer span only the end is evaluated, so that one device's readings fit into memory: 40,000
at a poll every 30 s."""

_DEVICES: Final = 30
"""Evaluated together at most: a gateway's backlog."""
_TOGETHER_MS: Final = 200 * HOUR_MS
"""Sum of the windows evaluated together at most: 24,000 readings at a poll every 30 s."""
_CHUNK: Final = 1_000
"""Readings evaluated at once, so that live readings wait for a moment only."""

Work = Generator[None, None, list[AlertRecord]]


def evaluate_spans(
    store: ReadingStore,
    engine: Engine,
    spans: Sequence[LateSpan],
    interval_of: Callable[[str], int],
) -> Work:
    """Evaluate the spans a piece at a time; in the end, the past alerts that touch them.

    `engine` is new, `interval_of` gives a device's poll interval in ms. Raises
    ingest.store.StoreUnavailable.
    """
    stored: list[StoredReading] = []
    for span in spans:
        start, end = window(span)
        stored += store.history(span.device, start, end)
        yield
    stored.sort(key=lambda entry: entry.reading.at)
    gateways = {entry.reading.device: entry.gateway for entry in stored}
    for device, gateway in gateways.items():
        village = f"{gateway.district}/{gateway.town}/{gateway.village}"
        engine.expect([device], interval_of(device), village)
    transitions: list[Transition] = []
    for first in range(0, len(stored), _CHUNK):
        chunk = [(entry.gateway, entry.reading) for entry in stored[first : first + _CHUNK]]
        transitions += engine.observe(chunk, chunk[-1][1].at)
        yield
    return past_alerts(transitions, gateways, spans)


def window(span: LateSpan) -> tuple[int, int]:
    """From when until when (event time, UTC ms) the readings around a span are evaluated."""
    return max(span.since, span.until - LONGEST_MS) - LEAD_MS, span.until + LAG_MS


def together(spans: Sequence[LateSpan]) -> list[LateSpan]:
    """As many of `spans`, from the first, as can be evaluated at once; at least one, if any."""
    chosen: list[LateSpan] = []
    total = 0
    for span in spans:
        start, end = window(span)
        total += end - start
        if chosen and total > _TOGETHER_MS:
            break
        chosen.append(span)
    return chosen


def past_alerts(
    transitions: Sequence[Transition],
    gateways: dict[str, GatewayPath],
    spans: Sequence[LateSpan],
) -> list[AlertRecord]:
    """The alerts in `transitions` that ended and touch a span of their device."""
    within = {span.device: span for span in spans}
    active: dict[tuple[str, str, str | None], AlertRecord] = {}
    ended: list[AlertRecord] = []
    for transition in transitions:
        key = (transition.rule, transition.subject, transition.code)
        location = Location.of(gateways[transition.subject])
        changed = apply(active.get(key), transition, location, transition.at)
        if changed is not None and changed.state == "active":
            active[key] = changed
        elif changed is not None:
            del active[key]
            ended.append(changed)
    return [record for record in ended if _touches(record, within[record.subject])]


def _touches(record: AlertRecord, span: LateSpan) -> bool:
    return record.onset <= span.until and record.ended is not None and record.ended >= span.since


def within_bounds(ended: Sequence[AlertRecord]) -> list[AlertRecord]:
    """The first of the alerts that `ended`, at most `BURST` of each gateway.

    A box that sends another code with every late reading fills no table.
    """
    kept: Counter[Location] = Counter()
    first: list[AlertRecord] = []
    for record in sorted(ended, key=lambda each: (each.onset, each.id)):
        kept[record.location] += 1
        if kept[record.location] <= BURST:
            first.append(record)
    return first


class LateReadings:
    """Evaluates late readings a little at every turn; a crash begins unfinished work again."""

    def __init__(
        self,
        database: Database,
        open_store: Callable[[], ReadingStore],
        rules: Sequence[Rule],
        season: Season,
    ) -> None:
        self._database, self._open_store = database, open_store
        self._rules, self._season = rules, season
        self._store: ReadingStore | None = None
        self._spans: list[LateSpan] = []
        self._work: Work | None = None
        self._past: list[AlertRecord] | None = None
        self._not_before = 0

    def turn(self, interval_of: Callable[[str], int], now: int) -> None:
        """Do a piece of work, if there is any, at server time `now` (UTC ms)."""
        try:
            if self._past is not None:
                self._finish()
            elif self._work is not None:
                self._continue(self._work)
            elif now >= self._not_before:
                self._begin(interval_of, now)
        except StoreUnavailable as error:
            _log.warning("late_readings_wait_for_store", reason=str(error))
            self._not_before = now + RETRY_MS
            self.close()

    def _begin(self, interval_of: Callable[[str], int], now: int) -> None:
        with reading(self._database) as session:
            self._spans = together(quiet_spans(session, now - QUIET_MS, _DEVICES))
        if self._spans:
            self._store = self._open_store()
            engine = Engine(self._rules, self._season)
            self._work = evaluate_spans(self._store, engine, self._spans, interval_of)

    def _continue(self, work: Work) -> None:
        try:
            next(work)
        except StopIteration as finished:
            self._past = within_bounds(finished.value)
            too_many = len(finished.value) - len(self._past)
            if too_many:
                metrics.reject(TOO_MANY, too_many)
                _log.warning(TOO_MANY, past_alerts=too_many, devices=len(self._spans))

    def _finish(self) -> None:
        with writing(self._database) as session:
            new = store_history(session, self._spans, self._past or ())
        if new:
            _log.info("past_alerts_recorded", alerts=len(new), devices=len(self._spans))
        self.close()

    def close(self) -> None:
        """Let go of the reading store, and of unfinished work."""
        if self._store is not None:
            self._store.close()
        self._store, self._work, self._past, self._spans = None, None, None, []
