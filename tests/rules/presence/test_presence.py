"""Presence on a timeline: births, messages, last wills and silence, a step every second."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pytest

from rules.document.problems import RuleErrors
from rules.presence.presence import Presence
from rules.transitions.transition import OpenCondition, Transition, realm_of
from tests.rules.presence.hidden import hidden_devices
from tests.rules.shipped import T0, shipped, shipped_rules
from wire.topics import GatewayPath
from wire.units import SECOND_MS

INTERVAL: Final = 30 * SECOND_MS


def gateway(number: int, village: str = "matao") -> GatewayPath:
    return GatewayPath("mentougou", "zhaitang", village, f"{village}-{number}")


@dataclass
class Box:
    """One gateway as the world sees it: which of its devices answer, and whether it is on the
    air."""

    place: GatewayPath
    devices: list[str]
    phase: int
    answering: set[str] = field(default_factory=set)
    on_air: bool = True


class World:
    """Gateways that poll every 30 s, each at its own phase, and the presence that listens to
    them."""

    def __init__(
        self, gateways: int = 1, devices: int = 4, presence: Presence | None = None
    ) -> None:
        self.now = T0
        self.presence = presence or Presence(shipped_rules(), T0)
        self.reported: list[Transition] = []
        self.boxes: list[Box] = []
        for number in range(gateways):
            place = gateway(number)
            names = [f"{place.gateway}-{device}" for device in range(devices)]
            self.boxes.append(Box(place, names, number * 7 % 30, set(names)))
            self.presence.announce(place, names, INTERVAL, T0)

    def run(self, seconds: int, until: Callable[[], bool] | None = None) -> list[Transition]:
        """What is reported in the next `seconds`."""
        reported: list[Transition] = []
        for _ in range(seconds):
            self.now += SECOND_MS
            for box in self.boxes:
                if box.on_air and (self.now // SECOND_MS + box.phase) % 30 == 0 and box.answering:
                    self.presence.heard(box.place, sorted(box.answering), INTERVAL, self.now)
            reported += self.presence.step(self.now)
            if until is not None and until():
                break
        self.reported += reported
        return reported


def short(transitions: list[Transition]) -> list[tuple[str, str, str, str]]:
    return [(one.rule, one.subject, one.edge, one.reason) for one in transitions]


def test_a_quiet_world_tells_nothing() -> None:
    assert World(4, 10).run(900) == []


def test_a_device_is_offline_after_90_s_and_back_with_its_first_reading() -> None:
    world = World()
    world.run(60)
    lost = world.boxes[0].devices[1]
    world.run(30, until=lambda: world.now // SECOND_MS % 30 == 0)
    world.boxes[0].answering.discard(lost)
    last_heard = world.now
    (raised,) = world.run(120)
    assert short([raised]) == [("device_offline", lost, "raise", "no_reading")]
    assert (raised.onset, raised.priority) == (last_heard, "medium")
    assert 90 * SECOND_MS <= raised.at - last_heard <= 91 * SECOND_MS
    world.boxes[0].answering.add(lost)
    (cleared,) = world.run(31)
    assert short([cleared]) == [("device_offline", lost, "clear", "heard_again")]
    assert cleared.onset == raised.onset


def test_a_silent_gateway_hides_its_devices() -> None:
    world = World(1, 4)
    world.run(60)
    world.boxes[0].on_air = False
    (raised,) = world.run(200)
    assert short([raised]) == [("gateway_offline", "matao-0", "raise", "silent")]
    assert raised.children == 4
    assert raised.at - raised.onset <= 96 * SECOND_MS
    assert hidden_devices(world.presence) == dict.fromkeys(world.boxes[0].devices, "matao-0")
    world.boxes[0].on_air = True
    (cleared,) = world.run(200)
    assert short([cleared]) == [("gateway_offline", "matao-0", "clear", "heard_again")]
    assert hidden_devices(world.presence) == {}


def test_a_gateway_that_restarts_raises_nothing() -> None:
    world = World()
    world.run(60)
    world.presence.last_will(world.boxes[0].place, world.now)
    assert world.run(13) == []
    world.presence.announce(world.boxes[0].place, world.boxes[0].devices, INTERVAL, world.now)
    assert world.run(300) == []


def test_a_last_will_counts_after_its_delay() -> None:
    world = World()
    world.run(60)
    world.boxes[0].on_air = False
    said = world.now
    world.presence.last_will(world.boxes[0].place, world.now)
    (raised,) = world.run(60)
    assert short([raised]) == [("gateway_offline", "matao-0", "raise", "last_will")]
    assert 15 * SECOND_MS <= raised.at - said <= 22 * SECOND_MS


def test_children_still_silent_get_a_fresh_grace() -> None:
    world = World(1, 4)
    world.run(60)
    world.boxes[0].on_air = False
    world.run(300)
    world.boxes[0].on_air, world.boxes[0].answering = True, set(world.boxes[0].devices[:2])
    reported = world.run(150)
    back = reported[0].at
    assert short(reported) == [
        ("gateway_offline", "matao-0", "clear", "heard_again"),
        ("device_offline", "matao-0-2", "raise", "no_reading"),
        ("device_offline", "matao-0-3", "raise", "no_reading"),
    ]
    assert all(one.onset == back and one.at - back >= 90 * SECOND_MS for one in reported[1:])


def test_a_gateway_takes_over_the_alerts_of_its_devices() -> None:
    world = World(1, 4)
    world.boxes[0].answering.discard("matao-0-3")
    world.run(200)
    world.boxes[0].on_air = False
    reported = world.run(200)
    assert short(reported) == [
        ("device_offline", "matao-0-3", "clear", "suppressed_by_gateway"),
        ("gateway_offline", "matao-0", "raise", "silent"),
    ]


@pytest.mark.parametrize("missed", [1, 2])
def test_a_device_that_missed_polls_before_its_gateway_died_is_no_second_cause(missed: int) -> None:
    world = World(1, 4)
    world.run(60)
    world.boxes[0].answering.discard("matao-0-3")
    world.run(missed * 30)
    world.boxes[0].on_air = False
    assert short(world.run(300)) == [("gateway_offline", "matao-0", "raise", "silent")]


@pytest.mark.parametrize("gateways", [3, 10])
def test_a_village_power_cut_is_one_urgent_alert(gateways: int) -> None:
    world = World(gateways, 30)
    world.run(77)
    for box in world.boxes:
        box.on_air = False
    (raised,) = world.run(600)
    assert short([raised]) == [("village_outage", "matao", "raise", "gateways_silent")]
    assert (raised.subject_kind, raised.priority, raised.children) == (
        "village",
        "urgent",
        gateways * 30,
    )
    assert raised.at - T0 <= (77 + 90 + 10) * SECOND_MS
    assert len(hidden_devices(world.presence)) == gateways * 30
    for box in world.boxes:
        box.on_air = True
    reported = world.run(300)
    assert short(reported)[-1] == ("village_outage", "matao", "clear", "heard_again")
    assert {one.edge for one in reported[:-1]} <= {"update"}
    assert all(one.onset == raised.onset for one in reported)


def test_a_power_cut_seen_through_last_wills_is_one_alert_too() -> None:
    world = World(5, 10)
    world.run(77)
    for box in world.boxes:
        box.on_air = False
    world.run(20)
    for box in world.boxes:
        world.run(4)
        world.presence.last_will(box.place, world.now)
    world.run(300)
    assert short([one for one in world.reported if one.edge != "update"]) == [
        ("village_outage", "matao", "raise", "gateways_silent")
    ]


@pytest.mark.parametrize(
    ("gateways", "devices", "gone", "outage"),
    [
        (5, 2, 3, True),  # three gateways
        (5, 2, 2, False),  # two of five
        (3, 5, 2, True),  # 67 % with 10 devices
        (3, 4, 2, False),  # 67 % with 8 devices
        (2, 20, 1, False),  # half of them
        (1, 10, 1, True),  # all of them, with 10 devices
        (1, 9, 1, False),
    ],
)
def test_what_an_outage_is(gateways: int, devices: int, gone: int, outage: bool) -> None:
    world = World(gateways, devices)
    world.run(60)
    for box in world.boxes[:gone]:
        box.on_air = False
    raised = [one.rule for one in world.run(300) if one.edge == "raise"]
    assert raised == (["village_outage"] if outage else ["gateway_offline"] * gone)


def test_gateways_that_fall_one_after_the_other_are_no_outage() -> None:
    world = World(4, 4)
    world.run(60)
    for box in world.boxes[:3]:
        box.on_air = False
        world.run(151)
    world.run(300)
    assert short(world.reported) == [
        ("gateway_offline", box.place.gateway, "raise", "silent") for box in world.boxes[:3]
    ]


def test_a_gateway_that_fell_first_is_taken_over() -> None:
    world = World(4, 4)
    world.run(60)
    world.presence.last_will(world.boxes[0].place, world.now)
    world.boxes[0].on_air = False
    world.run(60)
    for box in world.boxes[1:]:
        box.on_air = False
    world.run(300)
    assert short(world.reported) == [
        ("gateway_offline", "matao-0", "raise", "last_will"),
        ("gateway_offline", "matao-0", "clear", "suppressed_by_village"),
        ("village_outage", "matao", "raise", "gateways_silent"),
    ]


def test_half_a_village_back_leaves_the_rest_a_fresh_grace() -> None:
    world = World(4, 4)
    world.run(60)
    for box in world.boxes:
        box.on_air = False
    world.run(300)
    for box in world.boxes[:2]:
        box.on_air = True
    world.reported.clear()
    world.run(300)
    ended = next(
        one for one in world.reported if one.rule == "village_outage" and one.edge == "clear"
    )
    later = [one for one in world.reported if one.edge == "raise"]
    assert [one.subject for one in later] == ["matao-2", "matao-3"]
    assert all(one.at - ended.at >= 90 * SECOND_MS for one in later)


def test_nobody_is_judged_while_our_own_bus_is_down() -> None:
    world = World(4, 10)
    world.run(60)
    world.presence.bus_down(world.now)
    for box in world.boxes:
        box.on_air = False
    assert world.run(3_600) == []
    world.presence.bus_up(world.now)
    assert world.run(60) == []
    for box in world.boxes:
        box.on_air = True
    assert world.run(300) == []


def test_a_start_gives_everyone_the_full_limit() -> None:
    before = World(4, 10)
    before.run(60)
    started = before.now + 7_200 * SECOND_MS
    presence = Presence(shipped_rules(), started)
    presence.restore(before.presence.snapshot())
    assert presence.step(started + 1) == []
    assert presence.step(started + 80 * SECOND_MS) == []


def test_a_device_no_birth_lists_is_not_waited_for() -> None:
    world = World(1, 2)
    world.presence.heard(world.boxes[0].place, ["stranger"], INTERVAL, world.now)
    assert world.run(600) == []


def test_a_device_taken_off_the_birth_is_let_go() -> None:
    world = World(1, 3)
    world.boxes[0].answering.discard("matao-0-2")
    world.run(200)
    world.presence.announce(world.boxes[0].place, world.boxes[0].devices[:2], INTERVAL, world.now)
    assert short(world.run(300)) == [
        ("device_offline", "matao-0-2", "clear", "no_longer_announced")
    ]


def test_a_device_stays_with_its_first_gateway() -> None:
    world = World(2, 3)
    world.presence.announce(gateway(1), [*world.boxes[1].devices, "matao-0-0"], INTERVAL, world.now)
    world.boxes[0].on_air = False
    (raised,) = world.run(200)
    assert (raised.subject, raised.children) == ("matao-0", 3)


def test_a_device_that_changes_hands_is_watched_at_its_new_gateway() -> None:
    world = World(2, 2)
    old, new = world.boxes
    moved = old.devices[0]
    old.answering.discard(moved)
    world.presence.release([moved])
    world.presence.expect(old.place, old.devices[1:], INTERVAL, world.now)
    world.presence.expect(new.place, [*new.devices, moved], INTERVAL, world.now)
    assert short(world.run(89)) == []
    assert short(world.run(31)) == [("device_offline", moved, "raise", "no_reading")]
    new.answering.add(moved)
    assert short(world.run(60)) == [("device_offline", moved, "clear", "heard_again")]


def test_a_retired_gateway_ends_its_alert_and_is_no_longer_waited_for() -> None:
    world = World(2, 2)
    old = world.boxes[0]
    old.on_air = False
    assert short(world.run(240)) == [("gateway_offline", old.place.gateway, "raise", "silent")]
    world.presence.retire(old.place, world.now)
    assert short(world.run(240)) == [("gateway_offline", old.place.gateway, "clear", "retired")]
    assert world.presence.active() == []


def test_the_last_gateways_of_an_outage_end_it_by_their_retirement() -> None:
    world = World(3, 4)
    for box in world.boxes:
        box.on_air = False
    assert short(world.run(240)) == [("village_outage", "matao", "raise", "gateways_silent")]
    for box in world.boxes:
        world.presence.retire(box.place, world.now)
    assert short(world.run(2)) == [("village_outage", "matao", "clear", "retired")]
    assert world.presence.active() == []


def test_an_adopted_alert_of_a_retired_gateway_ends() -> None:
    presence = Presence(shipped_rules(), T0)
    place = gateway(1)
    realm = realm_of("gateway", place)
    presence.adopt([OpenCondition("gateway_offline", place.gateway, None, T0 - 1, realm)], T0)
    presence.retire(place, T0)
    assert short(presence.step(T0)) == [("gateway_offline", place.gateway, "clear", "retired")]


def test_a_longer_interval_is_waited_for() -> None:
    presence = Presence(shipped_rules(), T0)
    presence.announce(gateway(0), ["d-1"], 300 * SECOND_MS, T0)
    assert presence.step(T0 + 899 * SECOND_MS) == []
    presence.step(T0 + 900 * SECOND_MS)
    assert [one.rule for one in presence.step(T0 + 910 * SECOND_MS)] == ["gateway_offline"]


def test_levels_without_a_rule_are_not_judged() -> None:
    world = World(3, 4, Presence([shipped("device_offline")], T0))
    for box in world.boxes:
        box.on_air = False
    assert {one.rule for one in world.run(200)} == {"device_offline"}
    with pytest.raises(RuleErrors):
        Presence([shipped("device_offline"), shipped("device_offline")], T0)


def test_adopted_alerts_clear_when_their_subject_is_heard() -> None:
    presence = Presence(shipped_rules(), T0)
    adopted = [
        OpenCondition(
            "village_outage", "qinglong", None, T0 - 4, realm_of("village", gateway(0, "qinglong"))
        ),
        OpenCondition("village_outage", "qinglong", None, T0 - 9, "mentougou/junzhuang"),
        OpenCondition("gateway_offline", "matao-0", None, T0 - 3, realm_of("gateway", gateway(0))),
        OpenCondition("gateway_offline", "matao-0", None, T0 - 9, "mentougou/junzhuang/matao"),
        OpenCondition("device_offline", "matao-1-0", None, T0 - 2),
        OpenCondition("low_room_temperature", "matao-1-0", None, T0 - 1),
    ]
    presence.adopt(adopted, T0)
    far = gateway(0, "qinglong")
    presence.announce(far, ["far-1"], INTERVAL, T0)
    presence.adopt(adopted[:1], T0)
    presence.last_will(gateway(0), T0)
    presence.announce(gateway(1), ["matao-1-0"], INTERVAL, T0)
    assert {one.rule for one in presence.active()} == {
        "village_outage",
        "gateway_offline",
        "device_offline",
    }
    presence.heard(gateway(0), [], INTERVAL, T0 + 5)
    presence.heard(gateway(1), ["matao-1-0"], INTERVAL, T0 + 5)
    presence.heard(far, ["far-1"], INTERVAL, T0 + 5)
    reported = presence.step(T0 + 6)
    assert {(one.subject, one.edge, one.onset) for one in reported} == {
        ("qinglong", "clear", T0 - 4),
        ("matao-0", "clear", T0 - 3),
        ("matao-1-0", "clear", T0 - 2),
    }
    assert presence.active() == []


def test_a_snapshot_holds_only_plain_arrays_and_loses_nothing() -> None:
    world = World(5, 4)
    world.boxes[4].answering.discard("matao-4-3")
    world.run(200)
    world.boxes[3].on_air = False
    world.presence.last_will(world.boxes[3].place, world.now)
    world.run(18)
    saved = world.presence.snapshot()
    assert all(array.dtype.kind in "iU" for array in saved.values())
    restored = Presence(shipped_rules(), T0)
    restored.restore(saved)
    assert restored.active() == world.presence.active()
    assert [one.subject for one in restored.active()] == ["matao-4-3"]
    saved_again = restored.snapshot()
    restored.restore(saved_again)
    for name, array in restored.snapshot().items():
        np.testing.assert_array_equal(array, saved_again[name])


def test_what_is_not_a_snapshot_is_refused_and_changes_nothing() -> None:
    world = World(1, 2)
    with pytest.raises(KeyError):
        world.presence.restore({})
    world.boxes[0].on_air = False
    assert len(world.run(200)) == 1


@pytest.mark.parametrize("replaced", [True, False])
def test_a_judgement_not_told_before_a_pause_is_made_anew(replaced: bool) -> None:
    world = World(1, 4)
    world.run(60)
    world.presence.last_will(world.boxes[0].place, world.now)
    world.run(17)  # judged away, and waiting whether it is a village
    if replaced:
        saved = world.presence.snapshot()
        world.presence = Presence(shipped_rules(), world.now)
        world.presence.restore(saved)
    else:
        world.presence.bus_down(world.now)
        world.presence.bus_up(world.now)
    assert world.run(14) == []
    world.presence.announce(world.boxes[0].place, world.boxes[0].devices, INTERVAL, world.now)
    assert world.run(60) == []


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_set_raises_nothing_and_hides_nothing(hours: int) -> None:
    world, step = World(4, 5), hours * 3_600 * SECOND_MS
    world.boxes[0].answering.discard("matao-0-1")
    world.run(200)
    assert [one.subject for one in world.reported] == ["matao-0-1"]
    world.boxes[1].on_air = False
    world.run(60)
    world.now += step
    world.presence.clock_stepped(step)
    assert world.run(20) == []
    (raised,) = world.run(60)
    assert short([raised]) == [("gateway_offline", "matao-1", "raise", "silent")]
    assert 90 * SECOND_MS <= raised.at - raised.onset <= 96 * SECOND_MS
    world.boxes[1].on_air = True
    world.boxes[0].answering.add("matao-0-1")
    assert {one.edge for one in world.run(60)} == {"clear"}
    assert world.presence.active() == []


@pytest.mark.parametrize("gateways", [1, 3])
def test_what_nobody_has_recorded_is_raised_again(gateways: int) -> None:
    world = World(gateways)
    world.run(120)
    for box in world.boxes:
        box.on_air = False
    raised = [one for one in world.run(600) if one.edge == "raise"]
    [lost] = world.presence.active()
    world.presence.disown([lost])
    assert world.presence.active() == []
    again = [one for one in world.run(600) if one.edge == "raise"]
    assert short(again[-1:]) == short(raised[-1:])


def test_a_silent_device_that_nobody_has_recorded_is_raised_again() -> None:
    world = World()
    world.run(120)
    silent = world.boxes[0].devices[0]
    world.boxes[0].answering.discard(silent)
    world.run(300)
    world.presence.disown(world.presence.active())
    assert [one.subject for one in world.run(300) if one.edge == "raise"] == [silent]
