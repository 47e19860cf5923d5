"""The answers of the controllers of a block to a poll, as brands and sensors show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physics.arrays import Floats
from simulators.physics.fleet.house import WATER_J_KG_K
from simulators.physics.fleet.state import FleetState
from simulators.scenario.effects_to_physics import switched_off
from simulators.scenario.events import Effects
from simulators.unit.shown_faults import shown_faults
from wire.points import STATES

_OFF, _STANDBY = STATES.index("off"), STATES.index("standby")
_HEATING, _DEFROST = STATES.index("heating"), STATES.index("defrost")
_NOBODY: Final = np.zeros(0, np.int64)

ByUnit = dict[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class SeasonPoll:
    """The readings of every unit of a block at `at` (UTC ms), one element per unit.

    `heard` are the units that answer, None for all. By unit, `faults` are the codes (`kind:code`)
    shown, and `bad` the points that cannot be read.
    """

    at: int
    state: NDArray[np.int8]
    points: dict[str, Floats]
    faults: ByUnit
    bad: ByUnit
    heard: NDArray[np.int64] | None


@dataclass(frozen=True, slots=True)
class _Table:
    """The contents of one controller at some time."""

    state: int
    points: dict[str, float]
    faults: tuple[str, ...]
    bad: tuple[str, ...]


class Controllers:
    """The controllers of a block.

    A frozen controller keeps answering with its table, a stuck sensor with its value.
    """

    def __init__(
        self, codes: Mapping[int, tuple[str, ...]], lacks: Mapping[str, NDArray[np.int64]]
    ) -> None:
        """`codes` are the faults that each unit can show, `lacks` the units without a point."""
        self._codes, self._lacks = codes, lacks
        self._frozen: dict[int, _Table] = {}
        self._stuck: dict[tuple[int, str], float] = {}

    def poll(
        self, at: int, state: FleetState, columns: Mapping[str, Floats], active: Effects
    ) -> SeasonPoll:
        """The answers at `at` to the measured `columns`, which stay unchanged.

        NaN stands for a value that a unit does not have.
        """
        poll = SeasonPoll(
            at,
            state=_codes(state, active),
            points=self._points(columns, active),
            faults=self._faults(state, active),
            bad=self._bad(active),
            heard=_heard(state, active),
        )
        self._freeze(poll, active)
        return poll

    def _points(self, columns: Mapping[str, Floats], active: Effects) -> dict[str, Floats]:
        touched = columns.keys() if _spoils(active) else self._lacks.keys()
        read = {
            point: column.copy() if point in touched else column
            for point, column in columns.items()
        }
        for point in self._lacks.keys() & read.keys():
            read[point][self._lacks[point]] = np.nan
        for unit, drifts in active.drift_k.items():
            _drift(read, unit, drifts)
        self._stick(read, active)
        for unit, broken in active.broken.items():
            for point in broken & read.keys():
                read[point][unit] = np.nan
        return read

    def _stick(self, read: dict[str, Floats], active: Effects) -> None:
        """Write the values of stuck sensors into `read`, after noting those that stick now."""
        sensors = [
            (unit, point)
            for unit, points in active.stuck.items()
            for point in sorted(points & read.keys())
        ]
        self._stuck = {
            (unit, point): self._stuck.get((unit, point), float(read[point][unit]))
            for unit, point in sensors
        }
        for (unit, point), value in self._stuck.items():
            off_k = value - float(read[point][unit])
            read[point][unit] = value
            _mislead_meter(read, unit, {point: off_k})

    def _faults(self, state: FleetState, active: Effects) -> ByUnit:
        shown = state.protection.shown
        units = {*active.faults, *np.flatnonzero(shown).tolist()}
        return {
            unit: shown_faults(int(shown[unit]), active.faults.get(unit, ()), self._codes[unit])
            for unit in sorted(units)
        }

    def _bad(self, active: Effects) -> ByUnit:
        return {
            unit: tuple(
                sorted(point for point in broken if unit not in self._lacks.get(point, _NOBODY))
            )
            for unit, broken in sorted(active.broken.items())
        }

    def _freeze(self, poll: SeasonPoll, active: Effects) -> None:
        """Write the tables of frozen controllers into `poll`, after noting new ones."""
        self._frozen = {
            unit: self._frozen.get(unit) or _table(poll, unit) for unit in sorted(active.frozen)
        }
        for unit, table in self._frozen.items():
            poll.state[unit] = table.state
            poll.faults[unit], poll.bad[unit] = table.faults, table.bad
            for point, value in table.points.items():
                poll.points[point][unit] = value


def _drift(read: dict[str, Floats], unit: int, drifts: Mapping[str, float]) -> None:
    """Shift drifting sensors of `unit` by their kelvins, and the heat meter with them."""
    for point in drifts.keys() & read.keys():
        read[point][unit] += drifts[point]
    _mislead_meter(read, unit, drifts)


def _mislead_meter(read: dict[str, Floats], unit: int, off_k: Mapping[str, float]) -> None:
    """Shift the heat meter of `unit`, which uses the same sensors, by their errors `off_k`."""
    if {"heat_w", "flow_lpm"} <= read.keys():
        spread_k = off_k.get("supply_c", 0.0) - off_k.get("return_c", 0.0)
        read["heat_w"][unit] += spread_k * read["flow_lpm"][unit] / 60.0 * WATER_J_KG_K


def _table(poll: SeasonPoll, unit: int) -> _Table:
    points = {point: float(column[unit]) for point, column in poll.points.items()}
    return _Table(int(poll.state[unit]), points, poll.faults.get(unit, ()), poll.bad.get(unit, ()))


def _spoils(active: Effects) -> bool:
    """Whether some column differs from its measurement."""
    return bool(active.drift_k or active.stuck or active.broken or active.frozen)


def _codes(state: FleetState, active: Effects) -> NDArray[np.int8]:
    codes = np.where(
        state.running, np.where(state.defrosting, _DEFROST, _HEATING), _STANDBY
    ).astype(np.int8)
    codes[list(switched_off(active))] = _OFF
    return codes


def _heard(state: FleetState, active: Effects) -> NDArray[np.int64] | None:
    if not active.silent:
        return None
    answers = np.ones(len(state.hz), bool)
    answers[list(active.silent)] = False
    return np.flatnonzero(answers)
