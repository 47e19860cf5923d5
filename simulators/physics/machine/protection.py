"""The protections of a unit: cut-outs, restart delay, and lock-out after three trips in an hour.

Each cut-out is a fault kind of contract §4. A bit mask holds the kinds that a unit shows, one bit
per kind of `KINDS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from simulators.physics.arrays import Flags, Floats
from wire.points import FaultKind

Mask: TypeAlias = NDArray[np.uint16]

KINDS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)
BIT: Final[Mapping[str, np.uint16]] = {
    kind: np.uint16(1 << index) for index, kind in enumerate(KINDS)
}
LOCKOUT: Final = BIT["lockout"]

RESTART_S: Final = 600.0  # between a trip and the next start
LOCKOUT_WITHIN_S: Final = 3600.0  # three trips an hour, physics §20.7

# Cut-outs; engineering figures where no section is named.
HIGH_CONDENSING_C: Final = 65.0  # 25 bar of the refrigerant in refrigerant.py
# Fall of the evaporation below that of a healthy unit: blocked air, or lost refrigerant.
LOW_DEPRESSION_K: Final = 10.5
LOW_CHARGE: Final = 0.60  # "hard LP trip < 60 %", physics §20.7
DISCHARGE_C: Final = 115.0  # 110–120, physics §20.2
FLOW_SHARE: Final = 0.35  # a flow switch opens
LOW_VOLTAGE_PU, HIGH_VOLTAGE_PU = 170.0 / 220.0, 1.15  # ≈ 165–175 V, physics §20.6
FREEZING_C: Final = 3.0  # of the water in the unit, if it stands or gives heat
COLDEST_C: Final = -36.0  # units must start at −30, requirements R3
REVERSED_K: Final = -1.0  # supply over return; below it, heating runs backwards …
REVERSED_S: Final = 300.0  # … for more than 5 min, physics §20.7 "4-way stuck"


@dataclass(frozen=True, slots=True)
class ProtectionInputs:
    """The measurements of the protections, one element per unit.

    Temperatures are in °C, `voltage_pu` is over the nominal voltage.
    """

    compressing: Flags
    heating_phase_s: Floats
    outdoor_c: Floats
    plate_c: Floats
    spread_k: Floats
    condensing_c: Floats
    depression_k: Floats
    discharge_c: Floats
    charge: Floats
    water_flow: Floats
    voltage_pu: Floats
    phase_dead: Flags
    powered: Flags


@dataclass(frozen=True, slots=True)
class Protection:
    """The mask shown, and the seconds since the last two trips."""

    shown: Mask
    last_s: Floats
    before_s: Floats

    @property
    def stopped(self) -> Flags:
        """Whether a unit is stopped."""
        stopped: Flags = self.shown != 0
        return stopped


def untripped(units: int) -> Protection:
    """`units` units that never tripped."""
    return Protection(np.zeros(units, np.uint16), np.full(units, np.inf), np.full(units, np.inf))


def kinds(shown: int) -> tuple[str, ...]:
    """The fault kinds in one unit's mask."""
    return tuple(kind for index, kind in enumerate(KINDS) if shown >> index & 1)


def causes(seen: ProtectionInputs) -> Mask:
    """Which protections would trip now."""
    mask = np.zeros(len(seen.powered), np.uint16)
    for kind, happens in _causes(seen).items():
        if np.count_nonzero(happens):
            mask |= happens * BIT[kind]
    return mask


def _causes(seen: ProtectionInputs) -> dict[FaultKind, Flags]:
    compressing, powered = seen.compressing, seen.powered
    backwards = seen.spread_k < REVERSED_K
    standing = powered & (seen.water_flow < FLOW_SHARE)
    voltage = (seen.voltage_pu < LOW_VOLTAGE_PU) | (seen.voltage_pu > HIGH_VOLTAGE_PU)
    return {
        "water_flow": standing,
        "phase": powered & seen.phase_dead,
        "voltage": powered & voltage,
        "low_ambient_stop": powered & (seen.outdoor_c < COLDEST_C),
        "freeze_protect": (seen.plate_c < FREEZING_C) & (standing | (compressing & backwards)),
        "high_pressure": compressing & ~standing & (seen.condensing_c > HIGH_CONDENSING_C),
        "low_pressure": compressing
        & ((seen.depression_k > LOW_DEPRESSION_K) | (seen.charge < LOW_CHARGE)),
        "discharge_high": compressing & (seen.discharge_c > DISCHARGE_C),
        "delta_t": compressing & backwards & (seen.heating_phase_s > REVERSED_S),
    }


def step(now: Protection, cause: Mask, repaired: Flags, dt_s: float) -> Protection:
    """The protections `dt_s` later.

    A trip is shown until its cause has gone and the restart delay has passed. The third within an
    hour locks the unit out until it is `repaired`: the repair of the cause includes the reset.
    """
    last_s, before_s = now.last_s + dt_s, now.before_s + dt_s
    if not (np.count_nonzero(cause) or np.count_nonzero(now.shown)):
        return Protection(now.shown, last_s, before_s)
    happens = cause != 0
    locked = (now.shown & LOCKOUT) != 0
    holds = happens | (last_s < RESTART_S) | (locked & ~repaired)
    trips = happens & ~now.stopped
    locks = trips & (before_s < LOCKOUT_WITHIN_S)
    shown = (now.shown * holds) | cause | (locks * LOCKOUT)
    return Protection(shown, np.where(trips, 0.0, last_s), np.where(trips, last_s, before_s))
