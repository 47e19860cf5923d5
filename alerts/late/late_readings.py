"""What late readings tell of the past (design §4.7): recorded as alert history, without a ticket or
a message.

The readings of a device around what came late are judged anew by an engine of their own, from the
reading store, so that it does not matter how the late ones fell among the others. Only episodes
that have ended are taken.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Final

import structlog
from sqlalchemy import Engine as Database

from alerts.core.life import Episode, Spot, apply
from alerts.store.late_spans import LateSpan, quiet_spans, store_history
from desk.database.tables import reading, writing
from ingest.store import ReadingStore, StoredReading, StoreSettings, StoreUnavailable, open_store
from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.readings.season import Season
from rules.transitions.transition import Transition
from wire.topics import GatewayPath
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS

_log = structlog.get_logger()

QUIET_MS: Final = MINUTE_MS
"""A span is judged when nothing late has come for so long: the backlog has drained, and ingest has
stored it."""

LEAD_MS: Final = 6 * HOUR_MS
"""Read before a span, so that on-delays and running sums are what they were; a longer memory judges
nothing."""

LAG_MS: Final = HOUR_MS
"""Read after a span, to see what began in it end."""

RETRY_MS: Final = MINUTE_MS
LONGEST_MS: Final = 14 * DAY_MS
"""Of a longer span only the end is judged, so that one device's readings (40,000, every 30 s) fit
into memory."""

_DEVICES: Final = 30  # judged together at most: a gateway's backlog,
_TOGETHER_MS: Final = (
    200 * HOUR_MS
)  # while their windows add up to no more than so much: 24,000 readings
_CHUNK: Final = 1_000  # readings judged in one turn, so that live readings wait for a moment only

Work = Generator[None, None, list[Episode]]


def judge_spans(
    store: ReadingStore,
    engine: Engine,
    spans: Sequence[LateSpan],
    interval_of: Callable[[str], int],
) -> Work:
    """Judge the spans a piece at a time; in the end, the past episodes that touch them.

    `engine` is new, `interval_of` tells a device's poll interval in ms. Raises
    ingest.store.StoreUnavailable.
    """
    stored: list[StoredReading] = []
    for span in spans:
        start, end = window(span)
        stored += store.history(span.device, start, end)
        yield
    stored.sort(key=lambda one: one.reading.at)
    places = {one.reading.device: one.place for one in stored}
    for device, place in places.items():
        engine.expect(
            [device], interval_of(device), f"{place.district}/{place.town}/{place.village}"
        )
    told: list[Transition] = []
    for first in range(0, len(stored), _CHUNK):
        chunk = stored[first : first + _CHUNK]
        told += engine.observe([(one.place, one.reading) for one in chunk], chunk[-1].reading.at)
        yield
    return past_episodes(told, places, spans)


def window(span: LateSpan) -> tuple[int, int]:
    """From when until when (event time, UTC ms) the readings around a span are judged."""
    return max(span.since, span.until - LONGEST_MS) - LEAD_MS, span.until + LAG_MS


def together(spans: Sequence[LateSpan]) -> list[LateSpan]:
    """As many of `spans`, from the first, as can be judged at once; always one, if there is any."""
    chosen: list[LateSpan] = []
    total = 0
    for span in spans:
        start, end = window(span)
        total += end - start
        if chosen and total > _TOGETHER_MS:
            break
        chosen.append(span)
    return chosen


def past_episodes(
    told: Sequence[Transition], places: dict[str, GatewayPath], spans: Sequence[LateSpan]
) -> list[Episode]:
    """The episodes in `told` that have ended and touch a span of their device, as they were
    then."""
    within = {span.device: span for span in spans}
    open_ones: dict[tuple[str, str, str | None], Episode] = {}
    ended: list[Episode] = []
    for one in told:
        key = (one.rule, one.subject, one.code)
        changed = apply(open_ones.get(key), one, _spot(places[one.subject]), one.at)
        if changed is not None and changed.state == "active":
            open_ones[key] = changed
        elif changed is not None:
            del open_ones[key]
            ended.append(changed)
    return [episode for episode in ended if _touches(episode, within[episode.subject])]


def _touches(episode: Episode, span: LateSpan) -> bool:
    return episode.onset <= span.until and episode.ended is not None and episode.ended >= span.since


def _spot(place: GatewayPath) -> Spot:
    return Spot(place.district, place.town, place.village, place.gateway)


class History:
    """Judges late readings a little at every turn; what was not finished at a crash is begun
    again."""

    def __init__(
        self, database: Database, store: StoreSettings, rules: Sequence[Rule], season: Season
    ) -> None:
        self._database, self._settings = database, store
        self._rules, self._season = rules, season
        self._store: ReadingStore | None = None
        self._spans: list[LateSpan] = []
        self._work: Work | None = None
        self._found: list[Episode] | None = None
        self._not_before = 0

    def turn(self, interval_of: Callable[[str], int], now: int) -> None:
        """A piece of work, if there is any, at server time `now` (UTC ms)."""
        try:
            if self._found is not None:
                self._finish()
            elif self._work is not None:
                self._go_on(self._work)
            elif now >= self._not_before:
                self._begin(interval_of, now)
        except StoreUnavailable as error:
            _log.warning("late readings wait for the reading store", reason=str(error))
            self._not_before = now + RETRY_MS
            self.close()

    def _begin(self, interval_of: Callable[[str], int], now: int) -> None:
        with reading(self._database) as session:
            self._spans = together(quiet_spans(session, now - QUIET_MS, _DEVICES))
        if self._spans:
            self._store = open_store(self._settings)
            self._work = judge_spans(
                self._store, Engine(self._rules, self._season), self._spans, interval_of
            )

    def _go_on(self, work: Work) -> None:
        try:
            next(work)
        except StopIteration as finished:
            self._found = finished.value

    def _finish(self) -> None:
        with writing(self._database) as session:
            new = store_history(session, self._spans, self._found or ())
        if new:
            _log.info(
                "past alerts found in late readings", alerts=len(new), devices=len(self._spans)
            )
        self.close()

    def close(self) -> None:
        """Let go of the reading store, and of work that is not finished."""
        if self._store is not None:
            self._store.close()
        self._store, self._work, self._found, self._spans = None, None, None, []
