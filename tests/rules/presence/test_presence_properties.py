"""Presence under any course of events: one cause one alert, no alert without silence, none while
the bus is down."""

import random
from collections import Counter
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.presence.presence import Presence
from rules.transitions.transition import Transition
from tests.rules.presence.hidden import hidden_devices
from tests.rules.shipped import T0, shipped_rules
from wire.topics import GatewayPath
from wire.units import SECOND_MS

INTERVAL: Final = 30 * SECOND_MS
LIMIT: Final = 90 * SECOND_MS


class Course:
    """A random course of events for nine gateways in three villages; keeps the book that presence
    must agree with."""

    def __init__(self, seed: int) -> None:
        self.source = random.Random(seed)
        self.now = self.judged_from = T0
        self.presence = Presence(shipped_rules(), T0)
        self.bus = True
        self.devices: dict[GatewayPath, list[str]] = {}
        self.on_air: dict[GatewayPath, bool] = {}
        self.answering: dict[str, bool] = {}
        self.heard: dict[str, int] = {}
        self.spoke: dict[GatewayPath, int] = {}
        self.wills: set[GatewayPath] = set()
        self.open: dict[tuple[str, str], int] = {}
        self.ended: dict[tuple[str, str], int] = {}
        self.transitions: list[Transition] = []
        for village, gateways, devices in (("v-a", 1, 12), ("v-b", 3, 4), ("v-c", 5, 3)):
            for number in range(gateways):
                place = GatewayPath("d", "t", village, f"{village}-{number}")
                self.devices[place] = [f"{place.gateway}-{device}" for device in range(devices)]
                self.on_air[place] = True
                self.answering |= dict.fromkeys(self.devices[place], True)
                self.announce(place)

    def announce(self, place: GatewayPath) -> None:
        self.presence.announce(place, self.devices[place], INTERVAL, self.now)
        self.spoke[place] = self.now
        self.wills.discard(place)
        self.heard |= dict.fromkeys(self.devices[place], self.now)

    def happen(self) -> None:
        """One event of the world."""
        place = self.source.choice(list(self.devices))
        events = (
            "gateway",
            "gateway",
            "gateway",
            "device",
            "device",
            "device",
            "village",
            "bus",
            "rebirth",
            "restart",
        )
        match "bus" if not self.bus and self.source.random() < 0.7 else self.source.choice(events):
            case "gateway":
                self.on_air[place] = not self.on_air[place]
                if not self.on_air[place] and self.bus and self.source.random() < 0.5:
                    self.presence.last_will(place, self.now)
                    self.wills.add(place)
            case "device":
                name = self.source.choice(self.devices[place])
                self.answering[name] = not self.answering[name]
            case "village":
                up = self.source.random() < 0.5
                self.on_air |= {
                    other: up for other in self.devices if other.village == place.village
                }
            case "bus":
                self.switch_bus(not self.bus)
            case "rebirth" if self.bus and self.on_air[place]:
                self.announce(place)
            case "restart" if self.bus:
                self.restart()

    def switch_bus(self, up: bool) -> None:
        if up and not self.bus:
            self.judged_from = self.now
            self.presence.bus_up(self.now)
        elif not up:
            self.presence.bus_down(self.now)
        self.bus = up

    def restart(self) -> None:
        """The server is replaced by a new one that has its snapshot."""
        saved = self.presence.snapshot()
        self.presence = Presence(shipped_rules(), self.now)
        self.presence.restore(saved)
        self.judged_from = self.now

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += SECOND_MS
            for turn, place in enumerate(self.devices):
                due = (self.now // SECOND_MS + 7 * turn) % 30 == 0
                answered = [name for name in self.devices[place] if self.answering[name]]
                if due and self.bus and self.on_air[place] and answered:
                    self.presence.heard(place, answered, INTERVAL, self.now)
                    self.heard |= dict.fromkeys(answered, self.now)
                    self.spoke[place] = self.now
                    self.wills.discard(place)
            reported = self.presence.step(self.now)
            assert self.bus or not reported
            self.transitions += reported
            for one in reported:
                self.check(one)

    def check(self, one: Transition) -> None:
        """One transition against the book."""
        key = (one.rule, one.subject)
        if one.edge == "raise":
            assert key not in self.open
            self.open[key] = one.onset
            # A village may begin with gateways whose own alerts are older than the last pause.
            assert one.onset >= self.judged_from or one.rule == "village_outage"
            assert one.onset > self.ended.get(key, 0)
            self.check_cause(one)
        else:
            assert self.open[key] == one.onset
        if one.edge == "clear":
            del self.open[key]
            self.ended[key] = one.onset

    def check_cause(self, one: Transition) -> None:
        if one.rule == "device_offline":
            assert self.now - max(self.heard[one.subject], self.judged_from) >= LIMIT
        if one.rule == "gateway_offline":
            (place,) = (place for place in self.devices if place.gateway == one.subject)
            assert (
                place in self.wills or self.now - max(self.spoke[place], self.judged_from) >= LIMIT
            )
            assert one.children == len(self.devices[place])

    def check_one_cause_one_alert(self) -> None:
        """No open alert below another open one that explains it."""
        for place, names in self.devices.items():
            gateway_open = ("gateway_offline", place.gateway) in self.open
            for name in names:
                assert not (gateway_open and ("device_offline", name) in self.open)
        hidden = hidden_devices(self.presence)
        assert not [name for name in hidden if ("device_offline", name) in self.open]
        assert {(one.rule, one.subject): one.onset for one in self.presence.active()} == self.open

    def check_all_is_covered(self) -> None:
        """After a long quiet: who is heard has no alert, who is not is under exactly one."""
        hidden = hidden_devices(self.presence)
        for place, names in self.devices.items():
            speaks = self.on_air[place] and any(self.answering[name] for name in names)
            for name in names:
                alone = ("device_offline", name) in self.open
                covered = alone + (name in hidden)
                assert covered == (0 if speaks and self.answering[name] else 1), name
                assert not (alone and not speaks), name


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    pauses=st.lists(st.sampled_from((1, 5, 20, 40, 100, 250)), min_size=5, max_size=25),
)
def test_any_course_of_events(seed: int, pauses: list[int]) -> None:
    course = Course(seed)
    for pause in pauses:
        course.happen()
        course.run(pause)
        course.check_one_cause_one_alert()
    course.switch_bus(True)
    course.run(600)
    course.check_one_cause_one_alert()
    course.check_all_is_covered()


def test_the_courses_reach_every_reason() -> None:
    reasons: Counter[tuple[str, str]] = Counter()
    for seed in range(50):
        course = Course(seed)
        for _ in range(25):
            course.happen()
            course.run(course.source.choice((5, 40, 100, 250)))
        reasons.update((one.rule, one.reason) for one in course.transitions)
    assert set(reasons) >= {
        ("device_offline", "no_reading"),
        ("device_offline", "heard_again"),
        ("device_offline", "suppressed_by_gateway"),
        ("device_offline", "suppressed_by_village"),
        ("gateway_offline", "silent"),
        ("gateway_offline", "last_will"),
        ("gateway_offline", "heard_again"),
        ("gateway_offline", "suppressed_by_village"),
        ("village_outage", "gateways_silent"),
        ("village_outage", "heard_again"),
        ("village_outage", "children_changed"),
    }
