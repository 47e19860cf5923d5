"""The page of life cycles: every step of the tables stands in one diagram, and in no other."""

from alerts.core import life
from desk.tickets import life_cycle
from hearthwatch.generated.life_cycles import page


def test_every_step_of_the_tables_is_drawn_once() -> None:
    lines = [line.strip() for line in page().splitlines()]
    drawn = [line for line in lines if "-->" in line and "[*]" not in line]
    tables = [*life.TRANSITIONS.items(), *life_cycle.TRANSITIONS.items()]
    expected = [f"{start} --> {end}: {event}" for (start, event), end in tables]
    expected += [
        f"{start} --> {end}: {event}, if proposed"
        for (start, event), end in life_cycle.IF_PROPOSED.items()
    ]
    assert sorted(drawn) == sorted(expected)
