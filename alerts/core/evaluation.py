"""What the rules make of the bus: who may speak, what is heard, what is decided, and where it
stands.

Holds the rule state; the clock comes in as `now` (server time, UTC ms), and nothing here does I/O.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import structlog

from alerts.core.absence import Absence
from alerts.core.held_alerts import Held, is_live, look
from alerts.core.life import Episode, Spot
from alerts.store.late_spans import Span
from alerts.store.record import Decided
from desk.ledger.device_registry import Known, LastHeard
from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.forecast.extreme_cold import ColdWatch
from rules.forecast.forecast import WeatherForecast
from rules.presence.presence import Presence
from rules.readings.season import Season
from rules.transitions.transition import OpenCondition, Transition
from wire.clocks import check_event_time
from wire.intervals import Intervals
from wire.messages import Reading, Status, Telemetry
from wire.ownership import Ownership
from wire.topics import GatewayPath
from wire.units import HOUR_MS, MINUTE_MS, SECOND_MS

_log = structlog.get_logger()

# What a gateway that has not told its interval is taken to have: the default of gateway.toml
# (contract §9).
_DEFAULT_INTERVAL_MS: Final = 30_000
# What gateways may be apart from each other, in steps and in how far they have got with telling.
_IN_STEP_MS: Final = 10 * MINUTE_MS
# A device whose newest reading is older than this against the newest of all was off the air itself.
_HEARD_TO_THE_LAST_MS: Final = HOUR_MS


@dataclass(slots=True)
class Heard:
    """What one telemetry message brought: readings to judge, and the codes of those refused."""

    accepted: list[tuple[GatewayPath, Reading]] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)


class Evaluation:
    """The rules at work on one district's bus.

    `places` says where each device was last heard or announced. Two things are collected for the
    caller to write and empty: `fresh`, what is new of devices, and `late`, between which event
    times readings came that were not.
    """

    def __init__(
        self, rules: Sequence[Rule], started_at: int, season: Season | None = None
    ) -> None:
        self._engine = Engine(rules, season or Season())
        self._presence = Presence(rules, started_at)
        self._cold = ColdWatch(rules, season or Season())
        self._ownership = Ownership()
        self._absence = Absence()
        self._held: dict[str, tuple[Episode, Held]] = {}
        self._births: dict[GatewayPath, int] = {}
        self._last_at: dict[str, int] = {}
        self._seen: dict[GatewayPath, tuple[str, Intervals]] = {}
        self.fresh: dict[str, LastHeard] = {}
        self.late: dict[str, Span] = {}
        self.places: dict[str, GatewayPath] = {}

    @property
    def late_readings(self) -> int:
        """Readings that were not newer than their device's newest."""
        return self._engine.late_readings

    def learn(self, known: Iterable[Known], now: int) -> None:
        """Take over the register of an earlier run; to be called after `restore`, which knows
        better who is silent."""
        for gateway in known:
            interval_ms = gateway.interval_ms or _DEFAULT_INTERVAL_MS
            self.places.update(dict.fromkeys(gateway.others, gateway.place))
            self._last_at |= gateway.last_at
            owned = self._own(gateway.place, gateway.devices, interval_ms, now)
            self._absence.announced(gateway.others, (), now)
            if gateway.place not in self._births:
                self._presence.announce(gateway.place, owned, interval_ms, now)

    def born(self, place: GatewayPath, status: Status, retained: bool, now: int) -> list[str]:
        """A gateway announces itself; returns which of its devices it owns.

        The broker repeats a retained birth at every subscription: one that is known does not mean
        that the gateway speaks now.
        """
        interval_ms = (
            _DEFAULT_INTERVAL_MS if status.interval_s is None else _milliseconds(status.interval_s)
        )
        owned = self._own(place, [device.device for device in status.devices], interval_ms, now)
        at = status.at or 0
        if not retained or self._births.get(place) != at:
            self._presence.announce(place, owned, interval_ms, now)
        self._births[place] = at
        return owned

    def _own(
        self, place: GatewayPath, devices: Sequence[str], interval_ms: int, now: int
    ) -> list[str]:
        before = self._ownership.devices_of(place)
        self._ownership.announce(place, devices)
        owned = sorted(self._ownership.devices_of(place))
        self._absence.announced(before, owned, now)
        self.places.update(dict.fromkeys(owned, place))
        self._engine.expect(owned, interval_ms, f"{place.district}/{place.town}/{place.village}")
        return owned

    def died(self, place: GatewayPath, now: int) -> None:
        """The broker tells a gateway's last will."""
        self._presence.last_will(place, now)

    def bus_up(self, now: int) -> None:
        """Our connection to the broker stands."""
        self._presence.bus_up(now)

    def bus_down(self, now: int) -> None:
        """Our connection to the broker is away: silence means nothing now."""
        self._presence.bus_down(now)

    def clock_stepped(self, step_ms: int) -> None:
        """The server's clock was set forward by `step_ms`, or back where that is negative."""
        self._presence.clock_stepped(step_ms)

    def hear(self, place: GatewayPath, telemetry: Telemetry, now: int) -> Heard:
        """A gateway speaks: its devices count as heard, whatever their clocks say; the good
        readings come back."""
        heard = Heard()
        devices: list[str] = []
        is_new = self._is_new(place, telemetry)
        for reading in telemetry.readings:
            if not self._ownership.claim(reading.device, place):
                heard.rejected.append("not_owned")
                continue
            devices.append(reading.device)
            self._absence.heard(reading.device, now)
            self.places[reading.device] = place
            code = check_event_time(reading.at, now)
            if code is None:
                heard.accepted.append((place, reading))
                if is_new and reading.at < self._last_at.get(reading.device, -1):
                    self._note_late(reading)
            else:
                heard.rejected.append(code)
        self._presence.heard(place, devices, _milliseconds(telemetry.interval_s), now)
        return heard

    def _is_new(self, place: GatewayPath, telemetry: Telemetry) -> bool:
        """Whether this message has not come before; what is sent again is not late, it was judged
        the first time."""
        epoch, seen = self._seen.get(place, ("", Intervals()))
        if epoch != telemetry.epoch:
            seen = Intervals()
        self._seen[place] = (telemetry.epoch, seen)
        return seen.add(telemetry.seq, telemetry.seq) > 0

    def _note_late(self, reading: Reading) -> None:
        since, until = self.late.get(reading.device, (reading.at, reading.at))
        self.late[reading.device] = (min(since, reading.at), max(until, reading.at))

    def observe(self, readings: Sequence[tuple[GatewayPath, Reading]], now: int) -> list[Decided]:
        """Judge readings; what they change is live only if it is recent."""
        for place, reading in readings:
            self.places.setdefault(reading.device, place)
            if self._last_at.get(reading.device, -1) < reading.at:
                self._last_at[reading.device] = reading.at
                self.fresh[reading.device] = LastHeard(reading.at, now, reading.state)
        decided = self._engine.observe(readings, now)
        return [
            Decided(one, spot, is_live(one.at, now))
            for one in decided
            if (spot := self._spot(one)) is not None
        ]

    def extreme_cold(self, confirmed: bool) -> None:
        """Judge by the limits for extreme cold, which a person has confirmed, or by the usual ones
        again."""
        self._engine.extreme_cold(confirmed)

    def step(self, now: int, forecast: WeatherForecast | None = None) -> list[Decided]:
        """Judge silence and the newest forecast, and let go of devices long off every birth.

        To be called about once a second.
        """
        leaving = [device for device in self._absence.retire(now) if not self._is_listed(device)]
        told = [
            *self._presence.step(now),
            *self._cold.step(forecast, now),
            *self._engine.retire(leaving),
        ]
        decided = [Decided(one, spot) for one in told if (spot := self._spot(one)) is not None]
        for device in leaving:
            self._last_at.pop(device, None)
            self.places.pop(device, None)
        return decided

    def _is_listed(self, device: str) -> bool:
        owner = self._ownership.owner(device)
        return owner is not None and device in self._ownership.devices_of(owner)

    def hold(self, episodes: Iterable[Episode], now: int) -> None:
        """Remember alerts that are active but told of the past, until `due` says that they still
        hold."""
        for episode in episodes:
            if episode.state == "active" and episode.announced_at is None:
                self._held.setdefault(episode.id, (episode, Held(episode.onset, now)))
            else:
                self._held.pop(episode.id, None)

    def due(self, now: int) -> list[Episode]:
        """Held-back alerts whose condition holds on the newest data; each is given once."""
        if not self._held:
            return []
        newest = self._engine.newest()
        due: list[Episode] = []
        for name, (episode, held) in list(self._held.items()):
            still = look(held, newest.get(episode.subject, episode.onset), now)
            if still is None:
                due.append(self._held.pop(name)[0])
            else:
                self._held[name] = (episode, still)
        return due

    def interval_of(self, device: str) -> int:
        """The poll interval of a device in ms, 0 where it is not known."""
        return self._engine.fleet.interval_of(device)

    def adopt(self, episodes: Iterable[Episode], now: int) -> None:
        """Make the rules hold open what the database says is active and they have forgotten."""
        active = (*self._engine.active(), *self._presence.active(), *self._cold.active())
        mine = {(one.subject, one.rule, one.code or "", one.realm) for one in active}
        lost = [
            OpenCondition(one.rule, one.subject, one.code or None, one.onset, one.realm)
            for one in episodes
            if one.key not in mine
        ]
        self._engine.adopt(lost)
        self._presence.adopt(lost, now)
        self._cold.adopt(lost)

    def newest(self) -> int | None:
        """The newest event time of all devices, None before the first reading."""
        return max(self._engine.newest().values(), default=None)

    def judged_upto(self) -> int | None:
        """The event time up to which the readings of all devices on the air were judged, None
        before the first.

        Gateways are not in step: that is the oldest of the devices' newest, without those that had
        fallen silent.
        """
        times = self._engine.newest().values()
        newest = max(times, default=None)
        return None if newest is None else min(at for at in times if at >= newest - _IN_STEP_MS)

    def missed(self, at_most: int, now: int) -> dict[str, Span]:
        """The event times that a catch-up of `at_most` ms leaves out for each device that was heard
        to the last.

        Empty where the rules were away for less; such spans are judged as history.
        """
        newest, earliest = self.newest(), now - at_most
        if newest is None or newest >= earliest:
            return {}
        heard = self._engine.newest().items()
        return {
            device: (at, earliest) for device, at in heard if at > newest - _HEARD_TO_THE_LAST_MS
        }

    def snapshot(self) -> dict[str, Mapping[str, np.ndarray]]:
        """The rule state, by part, as plain arrays."""
        return {
            "engine": self._engine.snapshot(),
            "presence": self._presence.snapshot(),
            "births": self._pack_births(),
        }

    def _pack_births(self) -> dict[str, np.ndarray]:
        places = [(at.district, at.town, at.village, at.gateway) for at in self._births]
        times = np.array(list(self._births.values()), np.int64)
        return {"place": np.array(places, np.str_).reshape(-1, 4), "at": times}

    def restore(self, parts: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """Take back a snapshot; one that another version wrote differently is left out."""
        try:
            self._engine.restore(parts["engine"])
            self._presence.restore(parts["presence"])
            places, times = parts["births"]["place"].tolist(), parts["births"]["at"].tolist()
            self._births = {
                GatewayPath(*levels): at for levels, at in zip(places, times, strict=True)
            }
        except (KeyError, ValueError) as error:
            _log.warning(
                "rule state is of another version; the rules begin with less memory",
                error=str(error),
            )

    def _spot(self, transition: Transition) -> Spot | None:
        place = transition.gateway_path or self.places.get(transition.subject)
        if place is None:
            _log.error(
                "a transition of a device that no gateway has named", subject=transition.subject
            )
            return None
        gateway = None if transition.subject_kind in ("village", "district") else place.gateway
        return Spot(place.district, place.town, place.village, gateway)


def _milliseconds(seconds: float) -> int:
    return round(seconds * SECOND_MS)
