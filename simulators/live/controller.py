"""The controller of one unit on a line (a `bus.line.Slave`): registers, panel and quirks."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from simulators.live.plant import Plant
from simulators.registers.fields import Contents, RegisterRef, Table
from simulators.registers.image import Image, UnitReading
from simulators.registers.register_map import RegisterMap
from simulators.registers.writes import Write
from simulators.unit.counters import Counters
from simulators.unit.panel import Panel
from simulators.unit.quirks import Quirks
from wire.units import MINUTE_MS, SECOND_MS

RENEWED_AFTER_MS: Final = SECOND_MS  # a controller refreshes its register table about once a second
POLL_GAP_MS: Final = 500  # requests closer than this belong to one poll
STALEST_MS: Final = 5 * SECOND_MS  # a table this old is renewed even within a poll
SPIKE_K: Final = 40.0  # bus-quirks row 19
UNFITTED: Final = frozenset(("room_c", "tank_c"))
CURVE_STEP_K: Final = 0.05  # a smaller change of the curve is not passed to the physics


class Controller:
    """A slave that renews its register table about once a second.

    It holds the table still while a master reads it in several requests, so that one poll sees one
    moment.
    """

    def __init__(
        self,
        plant: Plant,
        unit: int,
        registers: RegisterMap,
        timer: Callable[[], int],
        observed: Callable[[Image, bool], None],
        quirks: Quirks,
        seed: int,
    ) -> None:
        """`timer` counts milliseconds and never steps back.

        `observed` gets the image of each read that carried the supply temperature, and whether the
        reply is doubtful. The same `seed` gives the same spikes and dead units.
        """
        self._plant, self._unit, self._registers = plant, unit, registers
        self._timer, self._observed, self._quirks = timer, observed, quirks
        self._random = random.Random(seed * 1_000_003 + unit)
        self._dead = self._random.random() < quirks.get("dead", 0.0)
        self._frozen = self._random.random() < quirks.get("frozen", 0.0)
        self._counters = Counters(quirks, registers)
        revert_min = quirks.get("revert")
        revert_ms = None if revert_min is None else revert_min * MINUTE_MS
        self._panel = Panel(registers.curve, revert_ms=revert_ms)
        self._kept: dict[RegisterRef, int] = {}
        self._began = timer()
        if "weather_curve" in quirks:
            self._panel.write({"curve": 1.0}, plant.reading(unit), self._began)
        self._image = self._made_image()
        self._made = self._asked = self._began - STALEST_MS

    @property
    def silent(self) -> bool:
        """Whether the unit answers nothing at all."""
        return self._dead or self._unit in self._plant.moment.effects.silent

    @property
    def refuses_in_silence(self) -> bool:
        """See bus.requests.AddressedUnit."""
        return self._registers.refuses_in_silence

    def read(self, table: Table, address: int, count: int) -> list[int]:
        """The words of a read, 0 for registers without content; raises RefusedError."""
        self._registers.reads.check(table, address, count)
        self._renew(self._timer())
        return [
            self._image.words.get(RegisterRef(table, at), 0)
            for at in range(address, address + count)
        ]

    def write(self, write: Write) -> None:
        """Carry out a write; raises RefusedError."""
        written = self._registers.writes.carry_out(Contents(dict(self._image.words)), write)
        if written.settings.get("factory_reset"):
            self._kept.clear()
        else:
            self._kept |= written.kept
        settings = self._panel.write(
            written.settings, self._plant.reading(self._unit), self._timer()
        )
        self._plant.change(self._unit, settings)
        self._image = self._made_image()

    def was_read(self, carried: frozenset[RegisterRef], doubtful: bool) -> None:
        """Report a read to `observed` if the `carried` registers include the supply temperature."""
        if self._registers.supply_refs <= carried:
            self._observed(self._image, doubtful)

    def _renew(self, now: int) -> None:
        age, gap = now - self._made, now - self._asked
        self._asked = now
        frozen = self._frozen or self._unit in self._plant.moment.effects.frozen
        if not frozen and (age > STALEST_MS or (age > RENEWED_AFTER_MS and gap > POLL_GAP_MS)):
            self._image = self._made_image()
            self._made = now

    def _made_image(self) -> Image:
        """The table at this moment, after the panel has restored and adjusted its settings."""
        now = self._timer()
        if due := self._panel.due(now):
            self._plant.change(self._unit, due)
        reading = self._plant.reading(self._unit)
        wanted_c, rules_c = self._panel.wanted_c(reading), reading.values.get("setpoint_c")
        if wanted_c is not None and rules_c is not None and abs(wanted_c - rules_c) > CURVE_STEP_K:
            self._plant.change(self._unit, {"setpoint_c": wanted_c})
        return self._registers.image(self._distorted(self._panel.seen(reading), now), self._kept)

    def _distorted(self, reading: UnitReading, now: int) -> UnitReading:
        """`reading` with the errors of this unit's sensors and counters."""
        values = self._counters.shown(reading.values, (now - self._began) / MINUTE_MS)
        if "power_over" in self._quirks and "power_w" in values:
            values["power_w"] *= self._quirks["power_over"]
        temperatures = sorted(
            point for point in values if point.endswith("_c") and point != "setpoint_c"
        )
        if temperatures and self._random.random() < self._quirks.get("spikes", 0.0):
            values[self._random.choice(temperatures)] += SPIKE_K
        return replace(
            reading, values=values, unfitted=UNFITTED if "unfitted" in self._quirks else frozenset()
        )
