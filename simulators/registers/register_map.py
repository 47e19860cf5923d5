"""The registers of one brand as data: how they hold a reading, and which requests it takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from simulators.physics.machine.refrigerant import saturation_c
from simulators.registers.fields import Contents, Field, Fields, RegisterQuantity, RegisterRef
from simulators.registers.image import Image, UnitReading
from simulators.registers.refusals import Reads
from simulators.registers.serial_format import SerialFormat
from simulators.registers.writes import Writes
from wire.points import POINTS, State

NOTHING: Final[Mapping[RegisterRef, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Curve:
    """A weather curve: water temperature by outdoor temperature, constant beyond its ends; °C."""

    cold_c: float
    water_when_cold_c: float
    mild_c: float
    water_when_mild_c: float

    def water_c(self, outdoor_c: float) -> float:
        """The water temperature in °C at `outdoor_c`."""
        share = min(max((outdoor_c - self.cold_c) / (self.mild_c - self.cold_c), 0.0), 1.0)
        return self.water_when_cold_c + share * (self.water_when_mild_c - self.water_when_cold_c)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterMap:
    """One brand.

    `parameters`: points fixed at installation, unless a reading has another value. `states`: the
    fields that show each state; two states with equal fields cannot be distinguished. `faults`:
    field and number of each `kind:vendor_code`. A field of several numbers shows one of them, or
    `no_fault`. `set_point`: the setting that `setpoint_c` means while the weather curve is on, None
    if it means none then. `derive` fills the registers that follow from others. `nonsense`: the
    fields that are wrong during a defrost if the unit `talks_nonsense`. `variants`: the map that a
    quirk of this brand makes of it.
    """

    profile: str
    serial: SerialFormat
    reads: Reads
    writes: Writes
    quantities: tuple[RegisterQuantity, ...]
    parameters: tuple[RegisterQuantity, ...] = ()
    states: Mapping[State, Mapping[Field, int]]
    faults: Mapping[str, tuple[Field, int]]
    no_fault: int = 0
    defaults: Mapping[RegisterRef, int] = field(default_factory=dict)
    derive: Callable[[UnitReading, Contents], None]
    curve: Curve | None = None
    set_point: str | None = "setpoint_c"
    nonsense: tuple[Fields, ...] = ()
    refuses_in_silence: bool = False
    talks_nonsense: bool = False
    variants: Mapping[str, Callable[["RegisterMap"], "RegisterMap"]] = field(default_factory=dict)

    @property
    def fault_codes(self) -> Sequence[str]:
        """Every `kind:vendor_code` that the registers can show; a kind means its first code."""
        return tuple(self.faults)

    @property
    def supply_refs(self) -> frozenset[RegisterRef]:
        """The registers of the supply temperature that a house gets: those of its last quantity."""
        supply = next(q for q in reversed(self.quantities) if q.point == "supply_c")
        return frozenset(supply.refs)

    def counter_end(self, point: str) -> float | None:
        """The count at which `point` rolls over to zero, in its unit; None if it has no counter."""
        counters = (quantity for quantity in self.quantities if quantity.point == point)
        return next((quantity.step * 2**quantity.bits for quantity in counters), None)

    def image(self, reading: UnitReading, kept: Mapping[RegisterRef, int] = NOTHING) -> Image:
        """The tables that hold `reading`, over the words that masters `kept` in plain registers."""
        contents = Contents({**self.defaults, **kept})
        held = self._measure(reading, contents)
        for flag, raw in self.states[reading.state].items():
            contents.put((flag,), raw)
        faults = tuple(code for code in reading.faults if self._show(contents, *self.faults[code]))
        self.derive(reading, contents)
        if self.talks_nonsense and reading.state == "defrost":
            self._blur(contents, held)
        alike = self.states["defrost"] == self.states["heating"]
        shown = not (alike and reading.state in ("heating", "defrost"))
        return Image(contents.words, reading.state, faults, self._values(reading, held), shown)

    def _measure(self, reading: UnitReading, contents: Contents) -> dict[str, float]:
        """Write every quantity, parameter and setting; the values held, by name."""
        values = {**reading.values, **_panel(reading), **_saturation(reading)}
        held: dict[str, float] = {}
        for quantity in self.quantities:
            absent = quantity.point in reading.broken | reading.unfitted
            value = None if absent else values.get(quantity.point)
            if value is None:
                fitted = quantity.point not in reading.unfitted
                contents.put(quantity.fields, quantity.absent(fitted))
            else:
                contents.put(quantity.fields, quantity.raw(value))
                held[quantity.point] = quantity.held(value)
        for parameter in self.parameters:
            if parameter.point in reading.values:
                contents.put(parameter.fields, parameter.raw(reading.values[parameter.point]))
            held[parameter.point] = parameter.read(contents)
        for setting in self.writes.settings:
            value = values.get(setting.name)
            if value is not None:
                contents.put((setting.register,), setting.raw(value))
                held.setdefault(setting.name, setting.held(value))
        return held

    def _show(self, contents: Contents, display: Field, number: int) -> bool:
        """Show a fault unless another is shown; whether this one is shown now."""
        if contents.get((display,)) != self.no_fault:
            return False
        contents.put((display,), number)
        return True

    def _blur(self, contents: Contents, held: dict[str, float]) -> None:
        """Write a negative heat into unsigned registers, as units do in a defrost.

        Source: bus-quirks row 20.
        """
        for fields in self.nonsense:
            contents.put(fields, -1)
        for quantity in self.quantities:
            if quantity.fields in self.nonsense:
                held.pop(quantity.point, None)

    def _values(self, reading: UnitReading, held: Mapping[str, float]) -> dict[str, float]:
        """The values of points; the set-point is the one of the rule that is active."""
        values = {
            name: value for name, value in held.items() if name in POINTS and name != "setpoint_c"
        }
        ruling = "room_target_c" if reading.room_controlled else "setpoint_c"
        name = ruling if reading.curve_c is None else self.set_point
        return values if name is None or name not in held else values | {"setpoint_c": held[name]}


def _panel(reading: UnitReading) -> dict[str, float]:
    """The settings of the wired controller now; `ruling_c` is the active water set-point."""
    ruling_c = reading.values.get("setpoint_c") if reading.curve_c is None else reading.curve_c
    panel = {
        "ruling_c": ruling_c,
        "curve_c": reading.curve_c,
        "room_target_c": reading.room_target_c,
        "switched_on": float(reading.state != "off"),
        "room_controlled": float(reading.room_controlled),
        "curve": float(reading.curve_c is not None),
    }
    return {name: value for name, value in panel.items() if value is not None}


def _saturation(reading: UnitReading) -> dict[str, float]:
    """Condensing and evaporating temperature; controllers show them beside or for pressures."""
    of = {"condensing_c": "high_bar", "evaporating_c": "low_bar"}
    return {
        name: saturation_c(reading.values[point])
        for name, point in of.items()
        if point in reading.values
    }
