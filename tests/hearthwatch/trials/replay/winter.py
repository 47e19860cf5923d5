"""Two villages on a bad day, in a reading store, and what the running service made of the same
readings."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from alerts.core.district import District
from hearthwatch.trials.replay.silence import CHECK_EVERY_MS
from ingest.store import ReadingStore, StoredReading
from rules.document.rule import Rule
from rules.transitions.raised import Gatherer, Raised
from simulators.scenario.scenario import load_scenario
from simulators.season.block import BlockSeason
from simulators.season.layout import DISTRICT, TOWN, blocks
from simulators.season.poll import SeasonPoll
from simulators.season.span import SeasonSpan
from tests.alerts.messages import status_message, telemetry_message
from wire.messages import AnnouncedDevice, Reading, Status, Telemetry
from wire.points import STATES
from wire.topics import GatewayPath

SPAN = SeasonSpan(1_763_740_800_000, 1, 300_000)
SCENARIO = """
name = "bad-day"

[fleet]
gateways_per_village = 3
units_per_gateway = 4

[weather]
kind = "steady"
outdoor_c = -9.0
swing_k = 4.0

[house]
uninsulated = 0.5
"""
EVENTS = (
    ("2h", "90m", 2, "flow_loss"),
    ("3h", "9h", 5, "switched_off"),
    ("8h", "2h", 1, "village_outage"),
    ("14h", "1h", 14, "communication_loss"),
    ("18h", "90m", 17, "gateway_death"),
)

Message = tuple[GatewayPath, list[Reading]]


class Winter:
    """What both villages' gateways would send."""

    def __init__(self, folder: Path) -> None:
        file = folder / "scenario.toml"
        events = (
            f'[[event]]\nat = "{at}"\nlasts = "{lasts}"\nunit = {unit}\ncause = "{cause}"\n'
            for at, lasts, unit, cause in EVENTS
        )
        file.write_text(SCENARIO + "\n".join(events), encoding="utf-8")
        scenario = load_scenario(file)
        [self.block] = blocks(scenario.fleet, 24)
        self.devices = self.block.devices()
        self.gateways = [
            (GatewayPath(DISTRICT, TOWN, village.name, gateway), units)
            for village, gateway, units in self.block.gateways()
        ]
        season = BlockSeason(scenario, self.block, SPAN, seed=3)
        self.polls: list[tuple[int, list[Message]]] = [
            (poll.at, self._messages(poll)) for poll in season.polls()
        ]

    def _messages(self, poll: SeasonPoll) -> list[Message]:
        heard = set(range(len(self.devices))) if poll.heard is None else set(poll.heard.tolist())
        messages = [
            (place, [self._reading(poll, unit) for unit in units if unit in heard])
            for place, units in self.gateways
        ]
        return [(place, readings) for place, readings in messages if readings]

    def _reading(self, poll: SeasonPoll, unit: int) -> Reading:
        values = {
            name: float(column[unit])
            for name, column in poll.points.items()
            if not np.isnan(column[unit])
        }
        faults, bad = list(poll.faults.get(unit, ())), list(poll.bad.get(unit, ()))
        return Reading(self.devices[unit], poll.at, STATES[poll.state[unit]], faults, values, bad)

    def stored(self) -> Iterator[StoredReading]:
        """Every reading as ingest stores it."""
        for seq, (_, messages) in enumerate(self.polls, 1):
            for place, readings in messages:
                yield from (StoredReading(place, "e", seq, reading) for reading in readings)

    def fill(self, store: ReadingStore) -> None:
        """Store them."""
        readings = list(self.stored())
        for begin in range(0, len(readings), 2_000):
            assert store.write(readings[begin : begin + 2_000]) == []

    def live(self, rules: Sequence[Rule]) -> list[Raised]:
        """The alerts of the running service, which looks at silence at the ticks of a replay."""
        district, found = District(rules, SPAN.start), Gatherer()
        for place, units in self.gateways:
            announced = [
                AnnouncedDevice(self.devices[unit], "midea-mthermal", "b", 1) for unit in units
            ]
            birth = Status(True, SPAN.start, "e", "test", SPAN.step_ms / 1000, announced)
            district.receive(status_message(place, birth), SPAN.start)
        tick = SPAN.start + CHECK_EVERY_MS
        for seq, (at, messages) in enumerate(self.polls, 1):
            while tick <= at:
                district.tick(tick)
                found.add(one.transition for one in district.take_round(tick).decided)
                tick += CHECK_EVERY_MS
            for place, readings in messages:
                message = Telemetry(1, "e", seq, at, SPAN.step_ms / 1000, readings)
                district.receive(telemetry_message(place, message), at)
            found.add(one.transition for one in district.take_round(at).decided)
        return found.alerts()
