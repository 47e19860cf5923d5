"""Silence fed by what is missing gives the transitions of feeding every reading."""

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from hearthwatch.trials.season.silence import silence
from rules.presence.presence import Presence
from rules.transitions.transition import Transition
from simulators.scenario.events import Cause, Event
from simulators.scenario.scenario import FleetSettings
from simulators.season.layout import DISTRICT, TOWN, SeasonBlock, blocks
from simulators.season.span import SeasonSpan
from tests.rules.shipped import shipped_rules
from wire.topics import GatewayPath

HOUR_MS = 3_600_000
SPAN = SeasonSpan(1_763_740_800_000, 1, 300_000)
BLOCK = blocks(FleetSettings(gateways_per_village=4, units_per_gateway=5), 30)[0]
RULES = shipped_rules()


def _event(cause: Cause, unit: int, begin: int, lasts: int) -> Event:
    units: tuple[int, ...] = (unit,)
    for settlement, _, own in BLOCK.gateways():
        if unit in own and cause == "gateway_death":
            units = tuple(own)
        if unit in own and cause == "village_outage":
            units = tuple(
                u for other, _, part in BLOCK.gateways() if other is settlement for u in part
            )
    return Event(cause, units, begin * 60_000, (begin + lasts) * 60_000)


events = st.lists(
    st.builds(
        _event,
        st.sampled_from(["communication_loss", "gateway_death", "village_outage"]),
        st.integers(0, BLOCK.units - 1),
        st.integers(0, 18 * 60),
        st.integers(1, 5 * 60),
    ),
    max_size=6,
)


def _everything(block: SeasonBlock, absent: list[Event]) -> list[Transition]:
    """The same, every reading of the whole block fed to one set of rules."""
    devices = block.devices()
    presence = Presence(RULES, SPAN.start)
    found: list[Transition] = []
    for elapsed in range(0, SPAN.lasts_ms + 1, 60_000):
        active = [event for event in absent if event.active(elapsed)]
        silent = {unit for event in active for unit in event.units}
        dead = {
            unit for event in active if event.cause != "communication_loss" for unit in event.units
        }
        for settlement, gateway, units in block.gateways() if elapsed % SPAN.step_ms == 0 else ():
            place = GatewayPath(DISTRICT, TOWN, settlement.name, gateway)
            if elapsed == 0:
                presence.announce(
                    place, [devices[unit] for unit in units], SPAN.step_ms, SPAN.start
                )
            if units.start not in dead:
                names = [devices[unit] for unit in units if unit not in silent]
                presence.heard(place, names, SPAN.step_ms, SPAN.start + elapsed)
        found += presence.step(SPAN.start + elapsed)
    return found


@settings(max_examples=25)
@given(events)
def test_nothing_is_lost_by_looking_only_where_somebody_is_silent(absent: list[Event]) -> None:
    def order(found: list[Transition]) -> list[tuple[object, ...]]:
        return sorted(dataclasses.astuple(one)[:8] for one in found)

    assert order(list(silence(RULES, BLOCK, absent, SPAN))) == order(_everything(BLOCK, absent))
