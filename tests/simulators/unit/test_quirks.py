import pytest

from simulators.live.bus.spoil import SPOILERS
from simulators.unit.quirks import CATALOGUE, parse_quirks


def test_names_numbers_and_what_holds_without_one() -> None:
    assert parse_quirks(["late", " crc:0.5", "silence", "max_registers:16"]) == {
        "late": 0.05,
        "crc": 0.5,
        "silence": 1,
        "max_registers": 16,
    }
    assert parse_quirks([]) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rude", "no quirk is called 'rude'; `simulate bus --quirks list`"),
        ("late:often", "what follows the colon is a number"),
        ("late:1.5", "share from 0 to 1"),
        ("late:nan", "share from 0 to 1"),
        ("silence:1", "takes no number"),
        ("clients:0", "whole number of clients"),
        ("max_registers:2.5", "whole number of registers"),
        ("slow:-1", "number from 0 on"),
        ("gap:inf", "number from 0 on"),
    ],
)
def test_a_mistake_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_quirks([text])


def test_every_quirk_is_explained_and_holds_its_own_number() -> None:
    assert SPOILERS.keys() <= CATALOGUE.keys()
    for name, quirk in CATALOGUE.items():
        assert quirk.help
        assert len(quirk.help) < 110
        if quirk.measure:
            assert parse_quirks([f"{name}:{quirk.number}"]) == {name: quirk.number}
