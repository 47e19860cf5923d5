"""One district's alerting: messages, readings and time in, one `Round` of changes out; pure.

A caller does four things, in any rhythm: `receive` what the bus delivers, `tick` as time passes,
`take_round` and write it in one transaction, then report what was written by `committed`. Nothing
here reads a clock, a database or a bus: `now` is server time, UTC ms.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np

from alerts.core.event_budget import EventBudget
from alerts.core.held_alerts import HeldAlerts, is_live
from alerts.core.model import BusMessage, Decided, Round, Span, Unevaluated
from alerts.core.newest_readings import NewestReadings
from alerts.core.reception import Reception
from alerts.core.record import AlertRecord, Key
from desk.ledger.known import KnownGateway
from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.forecast.extreme_cold import ColdWatch
from rules.forecast.forecast import WeatherForecast
from rules.presence.conflict import ConflictWatch
from rules.presence.crowding import CrowdWatch
from rules.presence.presence import Presence
from rules.readings.season import Season
from rules.transitions.transition import OpenCondition, Transition
from wire.decode import FastDecoder
from wire.location import Location
from wire.messages import Reading
from wire.ownership import LedgerWord
from wire.topics import DEFAULT_ROOT, GatewayPath
from wire.units import HOUR_MS, MINUTE_MS

# How far gateways may be apart in their polls, and in how much of a backlog they have sent.
_IN_STEP_MS: Final = 10 * MINUTE_MS
# A device whose newest reading is older than this against the newest of all was off the air itself.
_HEARD_TO_THE_LAST_MS: Final = HOUR_MS

Snapshot = dict[str, Mapping[str, np.ndarray]]
"""The rule state, by part, as plain arrays."""


class District:
    """The rules at work on one district's bus."""

    def __init__(
        self,
        rules: Sequence[Rule],
        started_at: int,
        season: Season | None = None,
        root: str = DEFAULT_ROOT,
        decode_fast: FastDecoder | None = None,
    ) -> None:
        """Begin without memory; `root` is that of the topics, `decode_fast` a typed decoder."""
        season = season or Season()
        self._engine = Engine(rules, season)
        self._presence = Presence(rules, started_at)
        self._cold = ColdWatch(rules, season)
        self._conflicts = ConflictWatch(rules)
        self._word = LedgerWord()
        self._newest = NewestReadings()
        self._reception = Reception(self._engine, self._presence, self._newest, root, decode_fast)
        self._held = HeldAlerts()
        self._events = EventBudget()
        self._in_extreme_cold: frozenset[str] = frozenset()
        self._crowds = CrowdWatch(rules)
        self._decided: list[Decided] = []
        self._unplaced: list[str] = []
        self._unevaluated: list[Unevaluated] = []
        self._evaluated = 0
        self._ticked = False
        self._missed: dict[str, Span] = {}

    def receive(self, message: BusMessage, now: int) -> None:
        """Take a message that arrived at `now`; bad input is counted, never fatal."""
        self._reception.receive(message, now)

    def catch_up(self, readings: Sequence[tuple[GatewayPath, Reading]], now: int) -> None:
        """Take stored readings that the rules missed; those they have seen change nothing."""
        for gateway, reading in readings:
            self._reception.gateways.setdefault(reading.device, gateway)
        self._evaluate(readings, now)

    def tick(
        self,
        now: int,
        forecast: WeatherForecast | None = None,
        *,
        extreme_cold: Collection[str] = (),
    ) -> None:
        """Let time pass, about once a second: silence, the forecast, devices that have left.

        `extreme_cold` are the districts for which a person has confirmed that mode; its limits then
        apply to what is evaluated from here on. A part that fails is noted as `unevaluated`; the
        others go on.
        """
        self._events.at(now)
        parts: dict[str, Callable[[], None]] = {
            "readings": lambda: self._evaluate(self._reception.take_readings(), now),
            "moved_values": lambda: self._decide(self._engine.moved_values(), now),
            "extreme_cold": lambda: self._set_extreme_cold(extreme_cold),
            "presence": lambda: self._decide(self._presence.step(now)),
            "forecast": lambda: self._decide(self._cold.step(forecast, now)),
            "conflicts": lambda: self._decide(
                self._conflicts.step(self._reception.contests(), now)
            ),
            "crowding": lambda: self._raise_held_back(now),
            "retirement": lambda: self._retire(now),
        }
        for name, part in parts.items():
            self._attempt(name, part)
        self._ticked = True

    def _attempt(self, name: str, part: Callable[[], None]) -> None:
        try:
            part()
        except Exception as error:
            self._unevaluated.append(Unevaluated("", name, error, f"tick_{name}"))

    def _set_extreme_cold(self, districts: Collection[str]) -> None:
        self._in_extreme_cold = frozenset(districts)

    def _is_in_extreme_cold(self, gateway: GatewayPath) -> bool:
        return gateway.district in self._in_extreme_cold

    def _raise_held_back(self, now: int) -> None:
        """Raise what its gateway has room for now; one alert is about each that has too little."""
        crowded = self._events.take_refused()
        self._decided += self._events.due()
        self._decide(self._crowds.step(crowded, now))

    def _retire(self, now: int) -> None:
        """Let devices go that have left; their last transitions still need their place."""
        leaving = self._reception.retire(now)
        self._decide(self._engine.retire(leaving))
        for device in leaving:
            self._reception.gateways.pop(device, None)

    def decide_owners(self, word: LedgerWord, now: int) -> None:
        """Take over the word of the ledger: retired gateways, and to whom devices belong."""
        if word != self._word:
            self._word = word
            self._reception.decide(word, now)

    def bus_up(self, now: int) -> None:
        """Our connection to the broker stands."""
        self._presence.bus_up(now)

    def bus_down(self, now: int) -> None:
        """Our connection to the broker is lost: silence means nothing now."""
        self._presence.bus_down(now)

    def clock_stepped(self, step_ms: int) -> None:
        """The server's clock was set forward by `step_ms`, or back where that is negative."""
        self._presence.clock_stepped(step_ms)

    def _evaluate(self, readings: Sequence[tuple[GatewayPath, Reading]], now: int) -> None:
        if not readings:
            return
        self._events.at(now)
        self._evaluated += len(readings)
        self._newest.note_evaluated([reading for _, reading in readings], now)
        for cold in (False, True):
            part = [each for each in readings if self._is_in_extreme_cold(each[0]) is cold]
            if part:
                self._attempt("extreme_cold", partial(self._engine.extreme_cold, cold))
                self._decide(self._observe(part, now), now)
        failures, self._engine.failures = self._engine.failures, []
        self._unevaluated += [Unevaluated(*failure) for failure in failures]

    def _observe(
        self, readings: Sequence[tuple[GatewayPath, Reading]], now: int
    ) -> list[Transition]:
        """The transitions of `readings`; one that no rule can take is left out."""
        try:
            return self._engine.observe(readings, now)
        except Exception as error:
            if len(readings) == 1:
                self._unevaluated.append(Unevaluated("", readings[0][1].device, error))
                return []
        middle = len(readings) // 2
        return self._observe(readings[:middle], now) + self._observe(readings[middle:], now)

    def _decide(self, transitions: Iterable[Transition], read_at: int | None = None) -> None:
        """Note transitions at their place; those decided from readings are live only if recent."""
        for transition in transitions:
            location = self._location_of(transition)
            if location is None:
                self._unplaced.append(transition.subject)
                continue
            live = read_at is None or is_live(transition.at, read_at)
            decided = Decided(transition, location, live)
            if self._events.admitted(decided):
                self._decided.append(decided)

    def _location_of(self, transition: Transition) -> Location | None:
        gateway = transition.gateway_path or self._reception.gateways.get(transition.subject)
        if gateway is None:
            return None
        location = Location.of(gateway)
        is_wide = transition.subject_kind in ("village", "district")
        return location._replace(gateway=None) if is_wide else location

    def take_round(self, now: int) -> Round:
        """All that is to be written since the last round; the caller writes it whole or retries."""
        self._evaluate(self._reception.take_readings(), now)
        ticked, self._ticked = self._ticked, False
        decided, self._decided = self._decided, []
        unplaced, self._unplaced = self._unplaced, []
        evaluated, self._evaluated = self._evaluated, 0
        missed, self._missed = self._missed, {}
        unevaluated, self._unevaluated = self._unevaluated, []
        return Round(
            now,
            readings=evaluated,
            statuses=self._reception.take_statuses(),
            decided=decided,
            due=self._due(now) if ticked else [],
            # What was last heard is written with the tick: once a second, not with every message.
            heard=self._newest.take_heard() if ticked else {},
            gateways=self._reception.gateways,
            late=missed | self._newest.take_late(),
            timed=ticked,
            rejected=self._reception.take_rejected() + self._events.take_counted(),
            unplaced=unplaced,
            unevaluated=unevaluated,
        )

    def _due(self, now: int) -> list[AlertRecord]:
        return self._held.due(self._engine.newest(), now) if self._held else []

    def committed(self, records: Iterable[AlertRecord], now: int) -> None:
        """Note the alert records as a transaction left them."""
        self._held.update(records, now)

    def snapshot(self) -> Snapshot:
        """The rule state as of the last round; save it only when that round is committed."""
        assert not self._decided, "rule state was saved before its transitions were committed"
        births = _pack_births(self._reception.births)
        return {
            "engine": self._engine.snapshot(),
            "presence": self._presence.snapshot(),
            "births": births,
        }

    def restore(self, parts: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """Take back a snapshot; raises KeyError or ValueError where another version wrote it."""
        self._engine.restore(parts["engine"])
        self._presence.restore(parts["presence"])
        self._reception.births = _unpack_births(parts["births"])

    def learn(self, known: Iterable[KnownGateway], now: int) -> None:
        """Take over the registry of an earlier run; call it after `restore`."""
        self._reception.learn(known, now)

    def adopt(self, records: Iterable[AlertRecord], now: int) -> None:
        """Make the rules hold open exactly what the database has as active.

        A database that was put back from a backup lacks what was raised since; the rules let go of
        that, so that they raise it again.
        """
        active = list(records)
        keys = {record.key for record in active}
        unrecorded = [held for held in self._held_open() if _key_of_open(held) not in keys]
        self._events.forget(map(_key_of_open, unrecorded))
        self._engine.disown(unrecorded)
        self._presence.disown(unrecorded)
        watched = (*self._held_open(), *self._conflicts.active(), *self._crowds.active())
        known = set(map(_key_of_open, watched))
        forgotten = [_open_condition(record) for record in active if record.key not in known]
        self._engine.adopt(forgotten)
        self._presence.adopt(forgotten, now)
        self._cold.adopt(forgotten)
        self._conflicts.adopt(forgotten)
        self._crowds.adopt(forgotten, now)
        self._reception.end_retired(now)
        self._held.update(active, now)

    def _held_open(self) -> list[OpenCondition]:
        parts = (self._engine, self._presence, self._cold)
        return [condition for part in parts for condition in part.active()]

    def skip_beyond(self, at_most: int, now: int) -> None:
        """Leave event times more than `at_most` ms ago to be evaluated as history.

        A catch-up reaches no further back; the next round notes them as late for each device that
        was heard to the last. Nothing is skipped where the rules were away for less.
        """
        newest, earliest = self.newest(), now - at_most
        if newest is None or newest >= earliest:
            return
        heard_to_the_last = newest - _HEARD_TO_THE_LAST_MS
        self._missed = {
            device: (at, earliest)
            for device, at in self._engine.newest().items()
            if at > heard_to_the_last
        }

    @property
    def late_readings(self) -> int:
        """Readings that were not newer than their device's newest."""
        return self._engine.late_readings

    def interval_of(self, device: str) -> int:
        """The poll interval of a device in ms, 0 where it is not known."""
        return self._engine.fleet.interval_of(device)

    def newest(self) -> int | None:
        """The newest event time of all devices, None before the first reading."""
        return max(self._engine.newest().values(), default=None)

    def evaluated_upto(self) -> int | None:
        """The event time up to which every device on the air was evaluated, None before the first.

        Gateways are not in step: that is the oldest of the devices' newest, without those that had
        fallen silent.
        """
        times = self._engine.newest().values()
        newest = max(times, default=None)
        if newest is None:
            return None
        return min(at for at in times if at >= newest - _IN_STEP_MS)


def _key_of_open(held: OpenCondition) -> Key:
    return held.subject, held.rule, held.code or "", held.realm


def _open_condition(record: AlertRecord) -> OpenCondition:
    return OpenCondition(
        record.rule, record.subject, record.code or None, record.onset, record.realm
    )


def _pack_births(births: Mapping[GatewayPath, int]) -> dict[str, np.ndarray]:
    paths = [(at.district, at.town, at.village, at.gateway) for at in births]
    times = np.array(list(births.values()), np.int64)
    return {"place": np.array(paths, np.str_).reshape(-1, 4), "at": times}


def _unpack_births(arrays: Mapping[str, np.ndarray]) -> dict[GatewayPath, int]:
    paths, times = arrays["place"].tolist(), arrays["at"].tolist()
    return {GatewayPath(*levels): at for levels, at in zip(paths, times, strict=True)}
