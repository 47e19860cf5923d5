"""One controller over a plant: the effects of quirks and panel on reads and writes."""

import random
from dataclasses import dataclass, field

import pytest

from simulators.live.controller import SPIKE_K, Controller
from simulators.live.plant import Plant
from simulators.registers.brands import MAPS
from simulators.registers.image import Image
from simulators.registers.refusals import RefusedError
from simulators.registers.writes import Write
from simulators.scenario.scenario import QUIET
from simulators.unit.quirks import Quirks
from simulators.unit.variants import varied

NOW = 1_795_302_812_000
MINUTE_MS = 60_000
SUPPLY, SET_POINT, CURVE_SWITCH, OUTDOOR = 110, 11, 5, 107  # Midea's registers


@dataclass
class Village:
    """A plant of one unit and its controller, under a clock that the test moves."""

    profile: str = "midea-mthermal"
    quirks: Quirks = field(default_factory=dict)
    seed: int = 1
    now: int = 0
    seen: list[Image] = field(default_factory=list)

    def __post_init__(self) -> None:
        registers = varied(MAPS[self.profile], self.quirks)
        self.plant = Plant(QUIET, [registers], seed=1, now=NOW)
        self.controller = Controller(
            self.plant, 0, registers, lambda: self.now, self.observed, self.quirks, self.seed
        )

    def observed(self, image: Image, doubtful: bool) -> None:
        self.seen.append(image)

    def pass_time(self, minutes: float) -> None:
        self.now += round(minutes * MINUTE_MS)
        self.plant.advance(self.now, minutes * 60.0)

    def holding(self, address: int) -> int:
        return self.controller.read("holding", address, 1)[0]

    def write(self, function: int, address: int, *values: int) -> None:
        self.controller.write(Write(function, address, values))


def test_the_table_moves_with_the_plant_but_not_within_one_poll() -> None:
    village = Village()
    first = village.controller.read("holding", 100, 40)
    village.now += 400
    village.plant.advance(village.now, 3_600.0)
    assert village.controller.read("holding", 100, 40) == first
    village.pass_time(1)
    assert village.controller.read("holding", 100, 40) != first


def test_frozen_units_answer_the_same_for_ever_and_dead_ones_never() -> None:
    frozen = Village(quirks={"frozen": 1.0})
    first = frozen.controller.read("holding", 100, 40)
    frozen.pass_time(120)
    assert frozen.controller.read("holding", 100, 40) == first
    assert not frozen.controller.silent
    assert Village(quirks={"dead": 1.0}).controller.silent
    dead = [Village(quirks={"dead": 0.5}, seed=seed).controller.silent for seed in range(20)]
    assert 3 <= sum(dead) <= 17


def test_a_read_of_the_supply_temperature_is_a_reading() -> None:
    village = Village("phnix")
    registers = MAPS["phnix"]
    village.controller.was_read(registers.supply_refs, False)
    village.controller.was_read(frozenset(), False)
    assert len(village.seen) == 1


def test_power_reads_too_much() -> None:
    honest, over = Village(), Village(quirks={"power_over": 1.3})
    assert over.holding(150) == pytest.approx(1.3 * honest.holding(150), abs=2)


def test_a_spike_lasts_one_reading() -> None:
    village = Village(quirks={"spikes": 0.5})
    honest, spiky, jumps = Village(), 0, set()
    for _ in range(40):
        village.pass_time(0.05)
        honest.pass_time(0.05)
        words = (
            village.controller.read("holding", 104, 12),
            honest.controller.read("holding", 104, 12),
        )
        differences = {
            round((a - b + 0x8000) % 0x10000 - 0x8000, -2) // 10
            for a, b in zip(*words, strict=True)
        } - {0}
        spiky += bool(differences)
        jumps |= differences
    assert 8 <= spiky <= 32
    assert jumps == {SPIKE_K}


def test_units_without_room_and_tank_sensor_show_what_their_brand_shows() -> None:
    unfitted = {"unfitted": 1.0}
    assert [Village(quirks=unfitted).holding(at) for at in (114, 115)] == [250, 250]
    gree = Village("gree-versati", unfitted).controller
    assert [gree.read("coil", at, 1) for at in (29, 33)] == [[0], [0]]
    assert Village("chofu-grant", unfitted).controller.read("input", 33, 1) == [0]
    assert Village("phnix", unfitted).holding(2058) == 0x7FFD


def test_a_counter_rolls_over_and_falls_to_zero() -> None:
    village = Village("phnix", {"counter_rollover": 1.0})
    assert village.controller.read("holding", 2078, 2) == [0xFFFF, 0xFFFF]
    village.pass_time(120)
    assert village.controller.read("holding", 2078, 2)[0] == 0
    reset = Village("phnix", {"counter_reset": 10.0})
    assert reset.holding(2079) > 1_000
    reset.pass_time(11)
    assert reset.holding(2079) == 0


def test_a_written_set_point_rules_and_reads_back() -> None:
    village = Village()
    village.write(6, SET_POINT, 400)
    assert village.holding(SET_POINT) == 400
    assert village.plant.reading(0).values["setpoint_c"] == 40.0
    with pytest.raises(RefusedError):
        village.write(6, SET_POINT, 900)


def test_under_a_weather_curve_a_set_point_is_taken_without_effect() -> None:
    village = Village(quirks={"weather_curve": 1.0})
    village.write(6, SET_POINT, 520)
    village.pass_time(1)
    assert village.holding(SET_POINT) == 520
    assert village.holding(CURVE_SWITCH) >> 12 & 1
    outdoor_c = village.plant.reading(0).values["outdoor_c"]
    assert outdoor_c < -5.0  # where the curve of registers 265 to 268 is level
    assert village.plant.reading(0).values["setpoint_c"] == 35.0
    village.write(6, CURVE_SWITCH, 0)
    assert village.plant.reading(0).values["setpoint_c"] == 52.0


def test_gree_shows_the_curve_it_was_switched_to_and_goes_back() -> None:
    village = Village("gree-versati")
    before = village.holding(10)
    village.write(15, 22, 1)
    village.pass_time(1)
    outdoor_c = village.plant.reading(0).values["outdoor_c"]
    assert village.holding(137) / 10 == pytest.approx(55 - 15 * (outdoor_c + 20) / 45, abs=0.06)
    assert village.plant.reading(0).values["setpoint_c"] == pytest.approx(
        village.holding(137) / 10, abs=0.06
    )
    village.write(15, 22, 0)
    assert village.holding(137) == 0
    assert village.plant.reading(0).values["setpoint_c"] == before


def test_the_panel_writes_its_own_settings_back_after_a_while() -> None:
    village = Village(quirks={"revert": 2.0})
    before = village.holding(SET_POINT)
    village.write(6, SET_POINT, 400)
    village.pass_time(1.9)
    assert village.holding(SET_POINT) == 400
    village.pass_time(0.2)
    assert village.holding(SET_POINT) == before


def test_a_factory_reset_undoes_every_write() -> None:
    village = Village("solareast-oem")
    before = village.controller.read("holding", 0x300, 8)
    village.write(16, 0x300, 200, 400, 450)
    village.write(6, 0x123, 12)
    assert village.controller.read("holding", 0x300, 3) == [200, 400, 450]
    village.write(5, 0x101D, 1)
    assert village.controller.read("holding", 0x300, 8) == before
    assert village.holding(0x123) == 8


def test_refrigerant_recovery_stops_a_gree_unit() -> None:
    village = Village("gree-versati")
    village.write(15, 35, 1)
    village.pass_time(1)
    assert (village.holding(117), village.holding(42)) == (8, 0x55)


def test_room_control_makes_the_room_target_the_set_point() -> None:
    village = Village("chofu-grant")
    village.write(5, 22, 1)
    village.write(5, 7, 0)
    village.controller.was_read(MAPS["chofu-grant"].supply_refs, False)
    assert village.seen[-1].values["setpoint_c"] == village.plant.reading(0).room_target_c


@pytest.mark.parametrize("profile", sorted(MAPS))
def test_no_write_however_wild_breaks_a_controller(profile: str) -> None:
    village, choose = Village(profile, {"revert": 0.5}), random.Random(4)
    spans = [(table, span) for table, spans in MAPS[profile].reads.tables.items() for span in spans]
    taken = 0
    for _ in range(300):
        table, span = choose.choice(spans)
        values = [
            choose.randrange(0x10000) if table != "coil" else choose.randrange(2)
            for _ in range(choose.choice((1, 6)))
        ]
        function = choose.choice((5, 15)) if table == "coil" else choose.choice((6, 16))
        try:
            village.write(function, choose.choice((span.start, choose.choice(span))), *values)
            taken += 1
        except RefusedError:
            continue
        village.pass_time(0.05)
    assert taken > 0
    for table, span in spans:
        count = min(len(span), MAPS[profile].reads.longest)
        try:
            words = village.controller.read(table, span.start, count)
        except RefusedError:
            continue
        assert all(0 <= word <= 0xFFFF for word in words)
