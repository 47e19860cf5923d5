"""The truths that the physics makes by itself: a room that was cold, water that neared freezing.

Each condition has a loose and a strict form. A truth lasts while the loose form holds, and explains
alerts. It demands an alert only if the strict form held long enough without a break, at a unit that
answered and whose sensors were whole. The margin between the two forms covers the errors of sensors
and the time between polls.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physics.arrays import Flags, Floats
from simulators.physics.fleet.state import FleetState, supply_c
from simulators.physics.machine.heat_pump import MAX_HZ
from simulators.physics.weather.conditions import Conditions
from simulators.physics.weather.local_time import local_hour
from simulators.scenario.events import Effects
from simulators.scoring.truths import Truth
from simulators.season.tracker import Hourly, NaturalCondition, Tracker
from wire.units import HOUR_MS, MINUTE_MS

LOW_ROOM_C: Final = 18.0  # requirements R20
ROOM_CLEARS_C: Final = 18.5  # rules-and-faults "low alarm … hysteresis 18.5"
ROOM_OFF_K: Final = 0.2  # error of a room sensor, with the change between two polls
FREEZING_C: Final = 5.0  # water, physics §20.7 "freeze risk"
FROST_C: Final = -5.0  # outdoors, as the line above
WATER_OFF_K: Final = 3.0  # deadband of any alarm on it, with the change between two polls
LOWEST_PU: Final = 0.85  # requirements R4
VOLTAGE_OFF_PU: Final = 0.01  # error of the voltmeter of a unit
VOLTAGE_CLEARS_PU: Final = 0.03  # deadband of any alarm
COLD_COP: Final = 1.4  # at −25 °C and 50 °C of water, at −30 °C and 41 °C (requirements R2, R3)
COP_OFF: Final = 0.05  # error by the sensors
FIELD_OFF: Final = 0.1  # in the field the circulation pump and frost lower the COP of a sound unit
COLD_C, COLD_WATER_C = -23.0, 50.0  # −25 ± 2 °C, requirements R2
DEEP_COLD_C, DEEP_COLD_WATER_C = -27.0, 41.0  # colder than that is R3
COLD_OFF_K, WARMER_OFF_K = 0.5, 2.0  # error of air sensors; tolerance of an alert for the water
COLD_OVER_C: Final = -20.0
# Around the 10 % of requirements R6, over 24 h with at least 4 h of running (rules-and-faults).
DEFROST_LOOSE, DEFROST_STRICT = 0.08, 0.12
DEFROST_RUN_S: Final = 4 * 3600.0
FULL_SPEED: Final = 0.8  # of the top speed: counts as flat out
DESIGN_FROST_C: Final = (0.0, -12.0)  # the nominal heat holds at −12 °C (physics §20.1)
VALLEY_H: Final = (20.0, 8.0)  # requirements R11
VALLEY_KWH: Final = 8_000.0  # 80 % of the cap of requirements R11
VALLEY_LOOSE, VALLEY_STRICT = 0.85, 1.08

# Around the hour of requirements R20.
LOW_ROOM: Final = NaturalCondition("low_room", 45 * MINUTE_MS, 75 * MINUTE_MS, ("room_c",))
NEAR_FREEZING: Final = NaturalCondition("near_freezing", 0, 45 * MINUTE_MS)
LOW_VOLTAGE: Final = NaturalCondition("low_voltage", 0, 30 * MINUTE_MS, ("voltage_v",))
HEAVY_DEFROST: Final = NaturalCondition("heavy_defrost", 0, 12 * HOUR_MS)
WEAK_IN_COLD: Final = NaturalCondition("weak_in_cold", 0, 6 * HOUR_MS, ("power_w", "flow_lpm"))
UNDERSIZED: Final = NaturalCondition("undersized", 0, 0, ("room_c", "compressor_hz"))


@dataclass(frozen=True, slots=True)
class _Moment:
    """The physics at one poll; `watched` units answered, with every sensor whole."""

    at: int
    state: FleetState
    outdoor_c: Floats
    watched: Flags


class Nature:
    """The natural conditions of the units of a block."""

    def __init__(self, devices: list[str], lacks: Mapping[str, NDArray[np.int64]]) -> None:
        """`lacks` are the units without a point: no alert that needs it is demanded of them."""
        self._devices = devices
        by_poll = (LOW_ROOM, NEAR_FREEZING, LOW_VOLTAGE, WEAK_IN_COLD)
        by_hour = (HEAVY_DEFROST, UNDERSIZED)
        self._trackers = {
            condition: Tracker(condition, devices, lacks) for condition in (*by_poll, *by_hour)
        }
        self._hourly = Hourly(len(devices))
        self._valley = _Valley(len(devices), lacks.get("energy_kwh"))

    def observe(
        self,
        at: int,
        state: FleetState,
        weather: Conditions,
        heard: NDArray[np.int64] | None,
        active: Effects,
    ) -> None:
        """Take in the physics at `at`, when the units `heard` (None: all) answered."""
        outdoor_c = np.full_like(state.hz, weather.outdoor_c)
        now = _Moment(at, state, outdoor_c, _watched(len(state.hz), heard, active))
        self._low_room(now)
        self._near_freezing(now)
        self._low_voltage(now)
        self._weak_in_cold(now)
        self._valley.observe(at, state.energy_j)
        if self._hourly.observe(at, state, self._flat_out(now)):
            self._add_hour(now)

    def truths(self, at: int) -> list[Truth]:
        """Every truth until the end of the season at `at`."""
        for tracker in self._trackers.values():
            tracker.end(at)
        tracked = [truth for tracker in self._trackers.values() for truth in tracker.truths]
        return [*tracked, *self._valley.truths(self._devices)]

    def _low_room(self, now: _Moment) -> None:
        room = now.state.temperatures.room_c
        strict = (room < LOW_ROOM_C - ROOM_OFF_K) & (now.state.room_target_c >= LOW_ROOM_C)
        begins, goes_on = room < LOW_ROOM_C + ROOM_OFF_K, room < ROOM_CLEARS_C + ROOM_OFF_K
        self._trackers[LOW_ROOM].observe(now.at, begins, goes_on, strict & now.watched)

    def _near_freezing(self, now: _Moment) -> None:
        """Water near freezing. A defrost cools it for minutes only."""
        water, cold = now.state.plate_c, now.outdoor_c < FROST_C + WATER_OFF_K
        begins = (water < FREEZING_C + 2.0 * WATER_OFF_K) & cold
        goes_on = (water < FREEZING_C + 3.0 * WATER_OFF_K) & (
            now.outdoor_c < FROST_C + 2.0 * WATER_OFF_K
        )
        strict = (water < FREEZING_C - 1.0) & (now.outdoor_c < FROST_C - 1.0) & now.watched
        self._trackers[NEAR_FREEZING].observe(now.at, begins, goes_on, strict)

    def _low_voltage(self, now: _Moment) -> None:
        voltage = now.state.voltage_pu
        begins = voltage < LOWEST_PU + VOLTAGE_OFF_PU
        goes_on = voltage < LOWEST_PU + VOLTAGE_CLEARS_PU
        strict = (voltage < LOWEST_PU - VOLTAGE_OFF_PU) & (voltage > 0.0) & now.watched
        self._trackers[LOW_VOLTAGE].observe(now.at, begins, goes_on, strict)

    def _weak_in_cold(self, now: _Moment) -> None:
        """A COP below the required one in cold air, at water no warmer than required.

        It lasts until the cold is over.
        """
        state, outdoor_c = now.state, now.outdoor_c
        if outdoor_c.min() > COLD_OVER_C and not self._trackers[WEAK_IN_COLD].open:
            return
        cop = state.heat_w / np.maximum(state.power_w, 1.0)
        heats = state.running & ~state.defrosting
        over_k = supply_c(state) - _required_water_c(outdoor_c)
        tested = heats & (outdoor_c < COLD_C + COLD_OFF_K) & (over_k < WARMER_OFF_K)
        weak = tested & (cop < COLD_COP + COP_OFF)
        alone = now.watched & (state.aux_w == 0.0)  # R2 and R3 exclude the auxiliary heater
        required = heats & (outdoor_c < COLD_C - COLD_OFF_K) & (over_k < 0.0)
        strict = required & alone & (cop < COLD_COP - FIELD_OFF - COP_OFF)
        self._trackers[WEAK_IN_COLD].observe(now.at, weak, weak | (outdoor_c < COLD_OVER_C), strict)

    def _flat_out(self, now: _Moment) -> Flags:
        """Running at full speed in weather that suits the machine, while the room is cold."""
        mildest, coldest = DESIGN_FROST_C
        usual = (now.outdoor_c > coldest) & (now.outdoor_c < mildest)
        cold = now.state.temperatures.room_c < LOW_ROOM_C + ROOM_OFF_K
        return usual & cold & (now.state.hz > FULL_SPEED * MAX_HZ)

    def _add_hour(self, now: _Moment) -> None:
        """At the end of an hour: the sums over the last day, and over the last two."""
        share = self._hourly.defrost_share(DEFROST_RUN_S)
        lately = self._hourly.lately_defrost_share()
        loose = (share > DEFROST_LOOSE) | (lately > DEFROST_LOOSE)
        self._trackers[HEAVY_DEFROST].observe(
            now.at, loose, loose, (share > DEFROST_STRICT) & now.watched
        )
        hours = self._hourly.flat_out_h()
        self._trackers[UNDERSIZED].observe(
            now.at, hours >= 8.0, hours >= 2.0, (hours >= 38.0) & now.watched
        )


class _Valley:
    """The electricity used in the valley hours of a season."""

    def __init__(self, units: int, without_counter: NDArray[np.int64] | None) -> None:
        self._counted = np.ones(units, bool)
        if without_counter is not None:
            self._counted[without_counter] = False
        self._first: int | None = None
        self._last_j = np.zeros(units)
        self._drawn_j = np.zeros(units)

    def observe(self, at: int, energy_j: Floats) -> None:
        """Take in the counters at `at`; a use counts for the hour in which its poll ends."""
        began, ended = VALLEY_H
        if self._first is None:
            self._first = at
        elif not ended < local_hour(at - 1) < began:
            self._drawn_j += energy_j - self._last_j
        self._last_j = energy_j

    def truths(self, devices: list[str]) -> list[Truth]:
        """The households that came near the cap.

        Their truths begin on the first day: a projection may predict them at any time.
        """
        used = self._drawn_j / 3.6e6 / VALLEY_KWH
        sure = (used > VALLEY_STRICT) & self._counted
        return [
            Truth("valley_use", "device", devices[unit], self._first or 0, None, bool(sure[unit]))
            for unit in np.flatnonzero(used > VALLEY_LOOSE).tolist()
        ]


def _required_water_c(outdoor_c: Floats) -> Floats:
    """The water temperature that is required in such cold, °C (requirements R2, R3)."""
    return np.where(outdoor_c < DEEP_COLD_C, DEEP_COLD_WATER_C, COLD_WATER_C)


def _watched(units: int, heard: NDArray[np.int64] | None, active: Effects) -> Flags:
    """The units that answered, with every sensor whole."""
    watched = np.ones(units, bool)
    if heard is not None:
        watched[:] = False
        watched[heard] = True
    watched[[*active.broken, *active.drift_k, *active.stuck, *active.frozen]] = False
    return watched
