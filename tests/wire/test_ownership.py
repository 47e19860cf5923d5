"""Who owns a device follows from what is known, never from the order in which it became known."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.ownership import LedgerWord, Ownership
from wire.topics import GatewayPath

A = GatewayPath("d", "t", "v", "a")
B = GatewayPath("d", "t", "v", "b")
C = GatewayPath("d", "t", "w", "a")  # its id is that of A
DEVICES = "xyz"

gateways = st.sampled_from([A, B, C])
births = st.lists(st.tuples(gateways, st.sets(st.sampled_from(DEVICES))), max_size=8)
names = st.sampled_from([str(A), str(B), str(C), "a", "b", "w/a", "unknown", "d/t/v/unknown"])
words = st.builds(
    LedgerWord,
    st.frozensets(gateways),
    st.dictionaries(st.sampled_from(DEVICES), names),
)


def owners(ownership: Ownership) -> dict[str, GatewayPath | None]:
    return {device: ownership.owner(device) for device in DEVICES}


def told(steps: list[tuple[int, GatewayPath, set[str]]], word: LedgerWord) -> Ownership:
    ownership = Ownership()
    for since, gateway, devices in steps:
        ownership.announce(gateway, devices, since)
    ownership.decide(word)
    return ownership


@given(births, words, st.integers())
def test_any_order_of_births_gives_the_same_owners(
    sent: list[tuple[GatewayPath, set[str]]], word: LedgerWord, seed: int
) -> None:
    steps = [(since, gateway, devices) for since, (gateway, devices) in enumerate(sent)]
    # The broker keeps the order of one gateway's births, and none between gateways.
    waiting = {path: [step for step in steps if step[1] == path] for path in (A, B, C)}
    chance, shuffled = random.Random(seed), list[tuple[int, GatewayPath, set[str]]]()
    while any(waiting.values()):
        path = chance.choice([path for path, left in waiting.items() if left])
        shuffled.append(waiting[path].pop(0))
    one, other = told(steps, word), Ownership()
    other.decide(word)
    for since, gateway, devices in shuffled:
        other.announce(gateway, devices, since)
    assert owners(one) == owners(other)
    assert one.contested() == other.contested()


@given(births, words)
def test_a_restart_changes_no_owner(
    sent: list[tuple[GatewayPath, set[str]]], word: LedgerWord
) -> None:
    before = told([(since, *birth) for since, birth in enumerate(sent)], word)
    after = Ownership()
    after.decide(word)
    for gateway in {gateway for gateway, _ in sent}:
        claims = before.claimed_since(gateway)
        after.announce(gateway, claims, claims)
    assert owners(after) == owners(before)
    assert after.contested() == before.contested()


@given(
    st.lists(st.one_of(words, st.tuples(gateways, st.sets(st.sampled_from(DEVICES)))), max_size=8)
)
def test_a_retired_gateway_owns_nothing_and_each_change_is_reported(
    steps: list[LedgerWord | tuple[GatewayPath, set[str]]],
) -> None:
    ownership = Ownership()
    for since, step in enumerate(steps):
        before = owners(ownership)
        if isinstance(step, LedgerWord):
            changed = ownership.decide(step)
        else:
            changed = ownership.announce(*step, since)
        now = owners(ownership)
        assert changed == {device for device in DEVICES if now[device] != before[device]}
        assert not ownership.retired & set(now.values())
        for gateway in (A, B, C):
            owned = ownership.devices_of(gateway)
            assert all(now[device] == gateway for device in owned)


def test_the_first_announcer_keeps_a_device_and_a_later_claim_is_contested() -> None:
    ownership = told([(1, A, {"x"}), (2, B, {"x"}), (3, A, {"x", "y"})], LedgerWord())
    assert ownership.owner("x") == A
    assert ownership.contested() == {"x": [B]}


@pytest.mark.parametrize(
    ("word", "owner", "contested"),
    [
        (LedgerWord(frozenset({A})), B, False),
        (LedgerWord(assigned={"x": str(B)}), B, False),
        (LedgerWord(assigned={"x": "b"}), B, False),
        (LedgerWord(assigned={"x": "d/t/v/unknown"}), GatewayPath("d", "t", "v", "unknown"), True),
        (LedgerWord(assigned={"x": "unknown"}), None, True),
        (LedgerWord(frozenset({B}), {"x": str(B)}), A, False),
        (LedgerWord(frozenset({A, B})), None, False),
    ],
)
def test_the_ledger_decides(word: LedgerWord, owner: GatewayPath | None, contested: bool) -> None:
    ownership = told([(1, A, {"x"}), (2, B, {"x"})], word)
    assert ownership.owner("x") == owner
    assert bool(ownership.contested()) == contested


def test_a_birth_outranks_a_gateway_that_only_spoke() -> None:
    ownership = Ownership()
    assert ownership.claim("x", B)
    ownership.announce(A, ["x"], 1)
    assert ownership.owner("x") == A
    assert not ownership.claim("x", B)


def test_nobody_speaks_first_for_a_device_that_the_ledger_keeps_for_another() -> None:
    ownership = Ownership()
    ownership.decide(LedgerWord(assigned={"x": "a"}))
    assert not ownership.claim("x", B)
    ownership.announce(A, [], 1)
    assert ownership.owner("x") == A
