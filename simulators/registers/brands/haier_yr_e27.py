"""Haier monobloc behind the controller YR-E27 (docs/domain/profile-haier-yr-e27.md)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from simulators.registers.fields import (
    Contents,
    Field,
    Fields,
    RegisterQuantity,
    RegisterRef,
    bit,
    high_byte,
    low_byte,
)
from simulators.registers.image import UnitReading
from simulators.registers.refusals import ILLEGAL_ADDRESS, Reads, RefusedError
from simulators.registers.register_map import RegisterMap
from simulators.registers.serial_format import SerialFormat
from simulators.registers.writes import WRITE_REGISTERS, Setting, Write, Writes
from wire.points import State

FRAMES: Final = frozenset(((101, 6), (141, 16), (201, 1), (241, 22)))
BLOCK: Final = (101, 6)
SET_POWER, SET_WATER = 0x01, 0x04  # commands in the upper half of word 101
_OPEN, _OPEN_UNSIGNED = 0x7FF, 0xFFF  # an open sensor: the end of 12 bits (physics §20.7)
_HEATING_ON: Final = 0b101  # on, heat
_DEFROST: Final = bit(141, 13)
_ERROR: Final = low_byte(141)
_ERROR_NUMBERS: Final = range(1, 256)


def _nibble(address: int, number: int) -> Field:
    """The nibble `number` of a register, 0 the lowest."""
    return Field(address, 4, 4 * number)


def _water(point: str, fields: Fields) -> RegisterQuantity:
    return RegisterQuantity(point, fields, 0.1, missing=_OPEN_UNSIGNED)


def _signed(point: str, fields: Fields) -> RegisterQuantity:
    return RegisterQuantity(point, fields, 0.1, signed=True, missing=_OPEN)


_QUANTITIES: Final = (
    _signed(
        "supply_c", (_nibble(148, 2), low_byte(148))
    ),  # Thi and Tho, before and behind the electric heater
    _signed("supply_c", (_nibble(148, 3), high_byte(149))),
    _water("return_c", (_nibble(146, 0), high_byte(147))),  # Twi
    _water("supply_c", (_nibble(146, 1), low_byte(147))),  # Two
    RegisterQuantity("tank_c", (Field(154),), 0.1, missing=0x7FFF),
    RegisterQuantity("aux_heater", (bit(144, 8),)),
    RegisterQuantity("pump", (bit(144, 9),)),
    RegisterQuantity("compressor_hz", (low_byte(243),)),
    RegisterQuantity("compressor_hz", (high_byte(244),)),  # its set speed
    RegisterQuantity("fan_rpm", (low_byte(244),), 5.0),
    RegisterQuantity("exv_steps", (high_byte(246),)),
    RegisterQuantity("high_bar", (high_byte(247),), 0.2),
    _signed("condensing_c", (_nibble(247, 1), low_byte(248))),
    RegisterQuantity("low_bar", (low_byte(249),), 0.2),
    _signed("evaporating_c", (_nibble(250, 3), high_byte(251))),
    _signed("discharge_c", (_nibble(251, 0), high_byte(252))),
    _signed("suction_c", (_nibble(251, 1), low_byte(252))),
    _signed("outdoor_c", (_nibble(253, 2), low_byte(253))),
    _signed("coil_c", (_nibble(253, 3), high_byte(254))),
    RegisterQuantity("current_a", (high_byte(256),), 0.2),
    RegisterQuantity("voltage_v", (low_byte(256),), 4.0),
)
_ON: Final = Field(101)
_STATES: Final[Mapping[State, Mapping[Field, int]]] = MappingProxyType(
    {
        "off": {_ON: 0},
        "standby": {_ON: _HEATING_ON},
        "heating": {_ON: _HEATING_ON},
        "defrost": {_ON: _HEATING_ON, _DEFROST: 1},
    }
)
_COMMANDED: Final[Mapping[int, int]] = MappingProxyType({SET_POWER: 101, SET_WATER: 102})


def _effective(contents: Contents, write: Write) -> dict[RegisterRef, int]:
    """The words that the command in word 101 concerns.

    Raises RefusedError unless the write is the whole block.
    """
    if (write.address, len(write.values)) != BLOCK:
        raise RefusedError(ILLEGAL_ADDRESS)
    commanded = _COMMANDED.get(write.values[0] >> 8)
    return {ref: word for ref, word in write.words.items() if ref.address == commanded}


def _derive(reading: UnitReading, contents: Contents) -> None:
    """Copy the active error into the register of the last error."""
    contents.put((low_byte(241),), contents.get((_ERROR,)))


HAIER_YR_E27: Final = RegisterMap(
    profile="haier-yr-e27",
    serial=SerialFormat(9600, "E"),
    reads=Reads(
        {"holding": (range(101, 107), range(141, 157), range(201, 202), range(241, 263))},
        22,
        frames=FRAMES,
    ),
    writes=Writes(
        frozenset((WRITE_REGISTERS,)),
        (
            Setting("setpoint_c", high_byte(102), 0.5, 25.0, 55.0),
            Setting("switched_on", bit(101, 0)),
        ),
        {"holding": (range(101, 107),)},
        _effective,
    ),
    quantities=_QUANTITIES,
    states=_STATES,
    # No table gives the meaning of an error number.
    faults={f"other:141.{number}": (_ERROR, number) for number in _ERROR_NUMBERS},
    defaults={
        RegisterRef("holding", 102): 30,
        RegisterRef("holding", 106): 48 * 2 << 8,
        RegisterRef("holding", 259): 10 << 8,
    },
    derive=_derive,
    refuses_in_silence=True,
)
