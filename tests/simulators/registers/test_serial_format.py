import pytest

from simulators.registers.serial_format import TURNAROUND_S, SerialFormat


@pytest.mark.parametrize(
    ("serial", "bits"),
    [
        (SerialFormat(9600, "N", 1), 10),
        (SerialFormat(9600, "E", 1), 11),
        (SerialFormat(9600, "O", 1), 11),
        (SerialFormat(19200, "N", 2), 11),
        (SerialFormat(4800, "E", 2), 12),
    ],
)
def test_bits_of_a_character(serial: SerialFormat, bits: int) -> None:
    assert serial.character_bits == bits
    assert serial.character_s == bits / serial.baud


def test_wire_time_of_an_exchange() -> None:
    """40 registers: request, reply, the silence after each, and the time to think."""
    assert SerialFormat(9600).exchange_s(8, 85) == pytest.approx(100 * 10 / 9600 + TURNAROUND_S)
    assert SerialFormat(9600, "E").exchange_s(8, 85) == pytest.approx(
        100 * 11 / 9600 + TURNAROUND_S
    )
    assert SerialFormat(4800).exchange_s(8, 85) == pytest.approx(100 * 10 / 4800 + TURNAROUND_S)
    assert SerialFormat(19_200, stop=2).exchange_s(8, 85) == pytest.approx(
        100 * 11 / 19_200 + TURNAROUND_S
    )


def test_above_19200_baud_a_frame_ends_after_a_fixed_silence() -> None:
    assert SerialFormat(115_200).silence_s == 0.00175
    assert SerialFormat(19_200).silence_s == pytest.approx(3.5 * 10 / 19_200)
