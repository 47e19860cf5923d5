"""The wired controller on the wall: it carries out, holds back or reverts the settings written."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from simulators.registers.image import UnitReading
from simulators.registers.register_map import Curve

OF_THE_PLANT: Final = ("setpoint_c", "room_target_c", "switched_on")
"""The settings that the physics knows. Only the panel knows whether room or water set-point rules,
and whether the weather curve is on.
"""


@dataclass(slots=True)
class Panel:
    """The panel of one unit with its weather `curve`; it remembers the settings written to it.

    With `revert_ms` it restores its own settings that long after a write (bus-quirks row 24).
    """

    curve: Curve | None
    curve_on: bool = False
    revert_ms: float | None = None
    room_controlled: bool = False
    _set_point_c: float | None = None
    _factory: dict[str, float] = field(default_factory=dict)
    # by setting: when to restore it, and to which value
    _reverts: dict[str, tuple[float, float]] = field(default_factory=dict)

    def write(
        self, asked: Mapping[str, float], reading: UnitReading, now: float
    ) -> dict[str, float]:
        """Apply the settings `asked` for at `now` (ms) on `reading`; those that take effect."""
        before = settings_of(reading)
        self._factory = self._factory or before
        if asked.get("factory_reset"):
            return self._reset()
        effective = {name: asked[name] for name in OF_THE_PLANT if name in asked}
        if asked.get("refrigerant_recovery"):
            effective["switched_on"] = 0.0
        self.room_controlled = bool(asked.get("room_controlled", self.room_controlled))
        effective |= self._by_curve(asked, before)
        if self._curve_rules and "setpoint_c" in effective:
            self._set_point_c = effective.pop("setpoint_c")
        if self.revert_ms is not None:
            for name in effective.keys() & before.keys():
                _, own = self._reverts.get(name, (now, before[name]))
                self._reverts[name] = (now + self.revert_ms, own)
        return effective

    def due(self, now: float) -> dict[str, float]:
        """The settings that the panel restores at `now` (ms)."""
        due = {name: own for name, (at, own) in self._reverts.items() if at <= now}
        for name in due:
            del self._reverts[name]
        return due

    def seen(self, reading: UnitReading) -> UnitReading:
        """`reading` as this panel shows it: with its own set-point and the target of the curve."""
        own = {} if self._set_point_c is None else {"setpoint_c": self._set_point_c}
        shown = replace(
            reading, values={**reading.values, **own}, room_controlled=self.room_controlled
        )
        return replace(shown, curve_c=self.wanted_c(reading))

    def wanted_c(self, reading: UnitReading) -> float | None:
        """The water temperature of the curve, °C; None without curve or outdoor temperature."""
        outdoor_c = reading.values.get("outdoor_c")
        if self.curve is None or not self._curve_rules or outdoor_c is None:
            return None
        return self.curve.water_c(outdoor_c)

    @property
    def _curve_rules(self) -> bool:
        return self.curve is not None and self.curve_on and not self.room_controlled

    def _reset(self) -> dict[str, float]:
        self.room_controlled = self.curve_on = False
        self._set_point_c = None
        self._reverts.clear()
        return self._factory

    def _by_curve(
        self, asked: Mapping[str, float], before: Mapping[str, float]
    ) -> dict[str, float]:
        """Switch the curve on or off; the set-point from before it is restored when it is off."""
        was_on, self.curve_on = self.curve_on, bool(asked.get("curve", self.curve_on))
        if self.curve_on == was_on:
            return {}
        if self.curve_on:
            self._set_point_c = before.get("setpoint_c")
            return {}
        own, self._set_point_c = self._set_point_c, None
        if own is None or "setpoint_c" in asked:
            return {}
        return {"setpoint_c": own}


def settings_of(reading: UnitReading) -> dict[str, float]:
    """The settings that a unit works by, except those that its reading lacks."""
    rest = {"room_target_c": reading.room_target_c, "switched_on": float(reading.state != "off")}
    return rest | {name: reading.values[name] for name in ("setpoint_c",) if name in reading.values}
