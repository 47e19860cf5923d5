"""The sensors and counters of a fleet, as columns of the canonical points (contract §4)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physics.arrays import Floats
from simulators.physics.disturbance import Disturbance
from simulators.physics.draws import random_words
from simulators.physics.fleet import grid
from simulators.physics.fleet.equipment import SimulatedFleet
from simulators.physics.fleet.state import FleetState, return_c, supply_c
from simulators.physics.machine import heat_pump
from simulators.physics.machine.impairment import FROST_DEPRESSION_K, Impairment, impairment
from simulators.physics.machine.refrigerant import saturation_bar
from simulators.physics.weather.conditions import Conditions

# At 0 and 90 Hz: 450 rpm at 29 Hz in docs/domain/profile-midea-mthermal.md.
FAN_RPM: Final = (300.0, 765.0)
STANDING_FAN: Final = 0.05  # share of the airflow below which the fan itself stands
EXV_STEPS: Final = (10.0, 230.0)  # 80 at 29 Hz in the same sample
EXV_LEAK_STEPS: Final = 250.0  # "EEV ↑ to max", physics §20.7
TANK_C: Final = 48.0  # a domestic tank kept warm by its own heater
NOISE_PURPOSE: Final = 208

# Noise of a sensor between two readings, ± in its unit: a fraction of the steps of register maps,
# 0.1…1 K. Each sensor has one byte of noise, in this order.
_NOISE: Final = (
    ("supply_c", 0.10),
    ("return_c", 0.10),
    ("outdoor_c", 0.10),
    ("room_c", 0.05),
    ("coil_c", 0.15),
    ("discharge_c", 0.30),
    ("suction_c", 0.15),
)


@dataclass(frozen=True, slots=True)
class _Scene:
    """The inputs of the points; temperatures in °C."""

    fleet: SimulatedFleet
    state: FleetState
    disturbance: Disturbance
    impaired: Impairment
    outdoor_c: Floats
    supply_c: Floats
    return_c: Floats
    ratio: Floats

    @property
    def volts(self) -> Floats:
        return self.state.voltage_pu * grid.NOMINAL_V

    @property
    def condensing_c(self) -> Floats:
        """The saturation temperature on the high side.

        During a reversal the coil condenses (physics §20.3 "cycle shape"); a standing circuit has
        the temperature of its surroundings.
        """
        reversed_c = np.maximum(self.state.coil_c, 0.0) + 10.0
        return self._by_mode(self.supply_c + self.impaired.approach_k, reversed_c)

    @property
    def evaporating_c(self) -> Floats:
        """The saturation temperature on the low side; in a reversal that of the water."""
        frosted = self.state.frost_kg / self.fleet.machines.size
        sunk = self.impaired.depression_k + FROST_DEPRESSION_K * frosted
        return self._by_mode(heat_pump.evaporating_c(self.outdoor_c) - sunk, self.return_c - 45.0)

    def _by_mode(self, heating: Floats, reversing: Floats) -> Floats:
        backwards = (self.state.defrosting & self.impaired.melts) | (self.impaired.backwards > 0.0)
        working = np.where(backwards, reversing, heating)
        return np.where(self.state.running, working, self.outdoor_c)

    @property
    def discharge_c(self) -> Floats:
        hot = heat_pump.discharge_c(self.outdoor_c, self.supply_c) + self.impaired.superheat_k
        return np.where(self.state.running, hot, self.supply_c)

    @property
    def suction_c(self) -> Floats:
        superheat = 4.0 + self.impaired.superheat_k / 2.0
        return self.evaporating_c + superheat * self.state.running

    @property
    def amperes(self) -> Floats:
        """The current of one phase."""
        phases = np.where(self.fleet.machines.three_phase, 3.0, 1.0)
        return self.state.power_w / (np.maximum(self.volts, 1.0) * heat_pump.POWER_FACTOR * phases)

    @property
    def fan_rpm(self) -> Floats:
        moves = self.disturbance.airflow > STANDING_FAN
        runs = self.state.running & ~self.state.defrosting & moves
        return (FAN_RPM[0] + (FAN_RPM[1] - FAN_RPM[0]) * self.ratio) * runs

    @property
    def exv_steps(self) -> Floats:
        healthy = EXV_STEPS[0] + (EXV_STEPS[1] - EXV_STEPS[0]) * self.ratio
        return (healthy + EXV_LEAK_STEPS * self.impaired.leak) * self.state.running


_POINTS: Final[Mapping[str, Callable[[_Scene], Floats]]] = MappingProxyType(
    {
        "supply_c": lambda scene: scene.supply_c,
        "return_c": lambda scene: scene.return_c,
        "outdoor_c": lambda scene: scene.outdoor_c,
        "room_c": lambda scene: scene.state.temperatures.room_c,
        "setpoint_c": lambda scene: scene.state.supply_limit_c,
        "discharge_c": lambda scene: scene.discharge_c,
        "suction_c": lambda scene: scene.suction_c,
        "coil_c": lambda scene: scene.state.coil_c,
        "tank_c": lambda scene: np.full_like(scene.outdoor_c, TANK_C),
        "power_w": lambda scene: scene.state.power_w,
        "heat_w": lambda scene: scene.state.heat_w + scene.state.aux_w,
        "energy_kwh": lambda scene: scene.state.energy_j / 3.6e6,
        "heat_kwh": lambda scene: scene.state.heat_j / 3.6e6,
        "voltage_v": lambda scene: scene.volts,
        "current_a": lambda scene: scene.amperes,
        "aux_heater": lambda scene: (scene.state.aux_w > 0.0).astype(float),
        "pump": lambda scene: scene.disturbance.powered.astype(float),
        # The command, energised to heat (physics §20.3); a stuck valve does not follow it.
        "four_way": lambda scene: (scene.state.running & ~scene.state.defrosting).astype(float),
        "compressor_hz": lambda scene: scene.state.hz,
        "fan_rpm": lambda scene: scene.fan_rpm,
        "flow_lpm": lambda scene: scene.state.flow_kg_s * 60.0,
        "high_bar": lambda scene: saturation_bar(scene.condensing_c),
        "low_bar": lambda scene: saturation_bar(scene.evaporating_c),
        "exv_steps": lambda scene: scene.exv_steps,
        "frequency_limit": lambda scene: scene.state.limit_code,
    }
)
SHOWN: Final = tuple(_POINTS)
"""Every point that sensors and counters show, without the settings of controllers."""


def measure(
    fleet: SimulatedFleet,
    state: FleetState,
    now: int,
    weather: Conditions,
    disturbance: Disturbance,
    seed: int = 0,
    points: Iterable[str] = SHOWN,
) -> dict[str, Floats]:
    """One column for each of `points` at `now` (UTC ms), in the point's unit and unrounded.

    The noise of a sensor depends only on `seed`, the number of the unit and `now`. Raises KeyError
    for an unknown point.
    """
    ratio = state.hz / heat_pump.MAX_HZ
    outdoor_c = np.full_like(ratio, weather.outdoor_c)
    scene = _Scene(
        fleet,
        state,
        disturbance,
        impairment(disturbance),
        outdoor_c,
        supply_c(state),
        return_c(state),
        ratio,
    )
    columns = {point: _POINTS[point](scene) for point in points}
    noise = random_words(seed, NOISE_PURPOSE, fleet.number, now).view(np.uint8).reshape(-1, 8)
    for index, (point, strays) in enumerate(_NOISE):
        if point in columns:
            columns[point] = columns[point] + _centred(noise[:, index], strays)
    return columns


def _centred(noise: NDArray[np.uint8], strays: float) -> Floats:
    """The bytes as evenly spread values within ± `strays`."""
    return noise.astype(np.float64) * (strays / 127.5) - strays
