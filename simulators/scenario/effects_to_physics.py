"""The effects of a scenario, as the columns of disturbance that the physics takes."""

from dataclasses import replace
from typing import Any, Final

from numpy.typing import NDArray

from simulators.physics.disturbance import (
    DEFROST_MISSED,
    DEFROST_OVER_FREQUENT,
    Disturbance,
    undisturbed,
)
from simulators.scenario.events import Cause, Effects

# The column of Disturbance that takes the strength of a cause.
_STRENGTH_IN: Final[dict[Cause, str]] = {
    "leak": "charge",
    "flow_loss": "water_flow",
    "fan_failure": "airflow",
    "four_way_stuck": "four_way",
    "under_voltage": "grid_pu",
    "heater_stuck": "heater_stuck_w",
    "coal": "coal_w",
    "window_open": "open_window_w_k",
}
# The column that a cause sets to a fixed value, whatever its strength.
_VALUE_IN: Final[dict[Cause, tuple[str, object]]] = {
    "missed_defrost": ("defrost", DEFROST_MISSED),
    "over_defrost": ("defrost", DEFROST_OVER_FREQUENT),
    "phase_loss": ("phase_missing", True),
    "power_cut": ("powered", False),
    "village_outage": ("powered", False),
}


def disturbance(active: Effects, units: int) -> Disturbance:
    """The disturbance of `units` units under `active`."""
    columns: dict[str, NDArray[Any]] = {}
    calm = undisturbed(units)

    def put(name: str, at: list[int], values: object) -> None:
        columns.setdefault(name, getattr(calm, name))[at] = values

    for cause, strengths in active.physical.items():
        if cause in _STRENGTH_IN:
            put(_STRENGTH_IN[cause], list(strengths), list(strengths.values()))
        elif cause in _VALUE_IN:
            name, value = _VALUE_IN[cause]
            put(name, list(strengths), value)
    put("tripped", [*active.faults, *switched_off(active)], True)
    return replace(calm, **columns)


def switched_off(active: Effects) -> set[int]:
    """The units that their household has switched off, as for a stove."""
    return {*active.physical.get("switched_off", ()), *active.physical.get("coal", ())}
