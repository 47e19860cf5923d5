"""The panel as a state machine: after any writes the right settings rule."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from simulators.registers.image import UnitReading
from simulators.registers.register_map import Curve
from simulators.unit.panel import Panel

CURVE = Curve(-20.0, 50.0, 20.0, 30.0)
START_C = 45.0
REVERT_MS = 60_000
WRITES = st.one_of(
    st.builds(lambda value: {"setpoint_c": value}, st.sampled_from([30.0, 38.5, 52.0])),
    st.builds(lambda value: {"curve": value}, st.sampled_from([0.0, 1.0])),
    st.builds(lambda value: {"room_target_c": value}, st.sampled_from([18.0, 21.5])),
)


class House:
    """A unit under the settings that its panel passes on."""

    def __init__(self, revert_ms: float | None = None) -> None:
        self.panel = Panel(CURVE, revert_ms=revert_ms)
        self.reading = UnitReading("heating", (), {"setpoint_c": START_C, "outdoor_c": 0.0})
        self.now = 0.0

    def apply(self, settings: dict[str, float]) -> None:
        water = {name: settings[name] for name in ("setpoint_c",) if name in settings}
        room_c = settings.get("room_target_c", self.reading.room_target_c)
        self.reading = replace(
            self.reading, values={**self.reading.values, **water}, room_target_c=room_c
        )

    def write(self, asked: dict[str, float]) -> None:
        self.now += 1_000
        self.apply(self.panel.write(asked, self.reading, self.now))
        wanted_c = self.panel.wanted_c(self.reading)
        self.apply({} if wanted_c is None else {"setpoint_c": wanted_c})


@given(st.lists(WRITES, max_size=20))
def test_the_curve_rules_while_it_is_on_and_the_last_set_point_afterwards(
    writes: list[dict[str, float]],
) -> None:
    house, set_point_c, room_c, curve_on = House(), START_C, 20.0, False
    for asked in writes:
        house.write(asked)
        set_point_c = asked.get("setpoint_c", set_point_c)
        room_c = asked.get("room_target_c", room_c)
        curve_on = bool(asked.get("curve", curve_on))
        seen = house.panel.seen(house.reading)
        assert house.reading.values["setpoint_c"] == (
            CURVE.water_c(0.0) if curve_on else set_point_c
        )
        assert seen.values["setpoint_c"] == set_point_c  # the register keeps what was written
        assert seen.curve_c == (CURVE.water_c(0.0) if curve_on else None)
        assert house.reading.room_target_c == room_c


@given(st.lists(WRITES.filter(lambda asked: "curve" not in asked), min_size=1, max_size=8))
def test_a_reverting_panel_has_its_own_settings_in_the_end(writes: list[dict[str, float]]) -> None:
    house = House(revert_ms=REVERT_MS)
    for asked in writes:
        house.write(asked)
    assert house.panel.due(house.now) == {}
    for _ in range(REVERT_MS // 1_000 + 1):
        house.now += 1_000
        house.apply(house.panel.due(house.now))
    assert (house.reading.values["setpoint_c"], house.reading.room_target_c) == (START_C, 20.0)
    assert house.panel.due(house.now + REVERT_MS) == {}
