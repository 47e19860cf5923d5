from hypothesis import given
from hypothesis import strategies as st

from simulators.registers.fields import (
    Contents,
    Field,
    RegisterQuantity,
    RegisterRef,
    high_byte,
    pair,
)

FIELDS = st.lists(
    st.builds(
        lambda shift, width: (shift, min(width, 16 - shift)), st.integers(0, 15), st.integers(1, 16)
    ),
    min_size=1,
    max_size=4,
).map(lambda parts: tuple(Field(at, width, shift) for at, (shift, width) in enumerate(parts)))


@given(FIELDS, st.integers(0, 2**64 - 1), st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4))
def test_a_number_comes_back_and_leaves_its_neighbours_alone(
    fields: tuple[Field, ...], raw: int, old: list[int]
) -> None:
    contents = Contents({RegisterRef("holding", at): word for at, word in enumerate(old)})
    contents.put(fields, raw)
    assert contents.get(fields) == raw % 2 ** sum(field.width for field in fields)
    for field in fields:
        others = 0xFFFF ^ field.into(0, 0xFFFF)
        assert contents.words[field.ref] & others == old[field.address] & others


def test_the_first_field_holds_the_highest_bits() -> None:
    contents = Contents()
    contents.put(pair(143), 0x1_0002)
    contents.put((high_byte(5),), -1)
    assert contents.words == {
        RegisterRef("holding", 143): 1,
        RegisterRef("holding", 144): 2,
        RegisterRef("holding", 5): 0xFF00,
    }


@given(
    value=st.floats(-500_000, 500_000_000, allow_nan=False),
    step=st.sampled_from([0.01, 0.1, 1.0, 10.0, 100.0]),
    fields=FIELDS,
    signed=st.booleans(),
)
def test_a_quantity_holds_a_value_to_half_a_step_or_at_its_end(
    value: float, step: float, fields: tuple[Field, ...], signed: bool
) -> None:
    quantity = RegisterQuantity("supply_c", fields, step, signed)
    low, high = (
        (-(2 ** (quantity.bits - 1)), 2 ** (quantity.bits - 1) - 1)
        if signed
        else (0, 2**quantity.bits - 1)
    )
    if low * step <= value <= high * step:
        assert abs(quantity.held(value) - value) <= step * 0.5 + abs(value) * 1e-9 + 1e-6
    else:
        assert quantity.raw(value) in (low, high)
