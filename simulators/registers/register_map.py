"""One brand's registers as data: how a reading is held, and which requests its controller carries
out."""

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
    """A weather curve: water temperature between two outdoor temperatures, level beyond them, all
    in °C."""

    cold_c: float
    water_when_cold_c: float
    mild_c: float
    water_when_mild_c: float

    def water_c(self, outdoor_c: float) -> float:
        """The water temperature it wants at `outdoor_c`."""
        share = min(max((outdoor_c - self.cold_c) / (self.mild_c - self.cold_c), 0.0), 1.0)
        return self.water_when_cold_c + share * (self.water_when_mild_c - self.water_when_cold_c)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterMap:
    """One brand.

    `parameters`: points that are as the unit was set up, unless a reading says otherwise. `states`:
    what stands where in each state; a state that reads like another is not told from it. `faults`:
    by `kind:vendor_code`, where each shows and as which number; a place of several numbers shows
    one, and `no_fault` where there is none. `set_point`: which setting `setpoint_c` is while the
    weather curve rules; None where none is read then. `derive` fills registers that follow from
    others. `nonsense`: what cannot be trusted while defrosting, where the unit `talks_nonsense`.
    `variants`: what a quirk of its own makes of the brand.
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
        """Every `kind:vendor_code` the registers can express; the first of a kind stands for the
        kind."""
        return tuple(self.faults)

    @property
    def supply_places(self) -> frozenset[RegisterRef]:
        """The registers of the supply temperature a house gets: those of its last quantity."""
        return frozenset(next(q for q in reversed(self.quantities) if q.point == "supply_c").places)

    def counter_end(self, point: str) -> float | None:
        """Where the counter `point` rolls over to zero, in its unit; None where the brand has
        none."""
        counters = (quantity for quantity in self.quantities if quantity.point == point)
        return next((quantity.step * 2**quantity.bits for quantity in counters), None)

    def image(self, reading: UnitReading, kept: Mapping[RegisterRef, int] = NOTHING) -> Image:
        """The tables that hold `reading`, over what masters have written into places without a
        meaning here."""
        contents = Contents({**self.defaults, **kept})
        held = self._measure(reading, contents)
        for place, raw in self.states[reading.state].items():
            contents.put((place,), raw)
        faults = tuple(code for code in reading.faults if self._show(contents, *self.faults[code]))
        self.derive(reading, contents)
        if self.talks_nonsense and reading.state == "defrost":
            self._blur(contents, held)
        alike = self.states["defrost"] == self.states["heating"]
        told = not (alike and reading.state in ("heating", "defrost"))
        return Image(contents.words, reading.state, faults, self._values(reading, held), told)

    def _measure(self, reading: UnitReading, contents: Contents) -> dict[str, float]:
        """Put down every quantity, parameter and setting; what is held of each with a value."""
        values = {**reading.values, **_panel(reading), **_saturation(reading)}
        held: dict[str, float] = {}
        for quantity in self.quantities:
            value = (
                None
                if quantity.point in reading.broken | reading.unfitted
                else values.get(quantity.point)
            )
            raw = (
                quantity.absent(quantity.point not in reading.unfitted)
                if value is None
                else quantity.raw(value)
            )
            contents.put(quantity.fields, raw)
            if value is not None:
                held[quantity.point] = quantity.held(value)
        for parameter in self.parameters:
            if parameter.point in reading.values:
                contents.put(parameter.fields, parameter.raw(reading.values[parameter.point]))
            held[parameter.point] = parameter.read(contents)
        for setting in self.writes.settings:
            value = values.get(setting.name)
            if value is not None:
                contents.put((setting.place,), setting.raw(value))
                held.setdefault(setting.name, setting.held(value))
        return held

    def _show(self, contents: Contents, place: Field, number: int) -> bool:
        """Show a fault where none is shown yet; whether it is shown."""
        if contents.get((place,)) != self.no_fault:
            return False
        contents.put((place,), number)
        return True

    def _blur(self, contents: Contents, held: dict[str, float]) -> None:
        """Negative heat in registers without a sign, as units show it while defrosting (bus-quirks
        row 20)."""
        for fields in self.nonsense:
            contents.put(fields, -1)
        for quantity in self.quantities:
            if quantity.fields in self.nonsense:
                held.pop(quantity.point, None)

    def _values(self, reading: UnitReading, held: Mapping[str, float]) -> dict[str, float]:
        """The values of points, the set-point being that of whatever rules."""
        values = {
            name: value for name, value in held.items() if name in POINTS and name != "setpoint_c"
        }
        ruling = "room_target_c" if reading.room_controlled else "setpoint_c"
        name = ruling if reading.curve_c is None else self.set_point
        return values if name is None or name not in held else values | {"setpoint_c": held[name]}


def _panel(reading: UnitReading) -> dict[str, float]:
    """The settings of the wired controller as they are now; `ruling_c` is the water's, by whatever
    rule."""
    panel = {
        "ruling_c": reading.values.get("setpoint_c")
        if reading.curve_c is None
        else reading.curve_c,
        "curve_c": reading.curve_c,
        "room_target_c": reading.room_target_c,
        "switched_on": float(reading.state != "off"),
        "room_controlled": float(reading.room_controlled),
        "curve": float(reading.curve_c is not None),
    }
    return {name: value for name, value in panel.items() if value is not None}


def _saturation(reading: UnitReading) -> dict[str, float]:
    """Condensing and evaporating temperature, which controllers show beside or instead of the
    pressures."""
    of = {"condensing_c": "high_bar", "evaporating_c": "low_bar"}
    return {
        name: saturation_c(reading.values[point])
        for name, point in of.items()
        if point in reading.values
    }
