"""Chofu AEYC, Grant Aerona3 and Carrier-type monoblocs (docs/domain/profile-chofu-grant.md)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from simulators.registers.fields import Contents, Field, RegisterQuantity, RegisterRef, Table, coil
from simulators.registers.image import UnitReading
from simulators.registers.refusals import Reads
from simulators.registers.register_map import Curve, RegisterMap
from simulators.registers.serial_format import SerialFormat
from simulators.registers.writes import (
    WRITE_COIL,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    Setting,
    Write,
    Writes,
)
from wire.points import State

END: Final = 127  # "valid to 126"
NO_ERROR: Final = 0x7E7D
ENABLE: Final = coil(22)
PUMP_SPEED: Final = 35  # × 100 rpm, while it runs
_OPEN_SENSOR: Final = 0x8000  # the map names none
_NOT_FITTED: Final = 0x10000 - 200
_ERROR, _MODE = Field(21, table="input"), Field(10, table="input")
_ERROR_HISTORY: Final = range(22, 32)
_SENSORS_NOT_FITTED: Final = range(17, 20)
_LETTERS: Final = (*range(ord("A"), ord("Z") + 1), *range(ord("0"), ord("9") + 1))
_LETTER_BASE: Final = 0x8000  # "high byte 0x80 and a letter or number"


def _input(address: int) -> tuple[Field]:
    return (Field(address, table="input"),)


_WHOLE_DEGREES: Final = (
    ("return_c", 0),
    ("discharge_c", 2),
    ("coil_c", 5),
    ("outdoor_c", 6),
    ("suction_c", 8),
    ("supply_c", 32),  # plate heat exchanger
    ("supply_c", 9),
)
_QUANTITIES: Final = (
    *(
        RegisterQuantity(point, _input(at), 1.0, signed=True, missing=_OPEN_SENSOR)
        for point, at in _WHOLE_DEGREES
    ),
    RegisterQuantity("compressor_hz", _input(1)),
    RegisterQuantity("power_w", _input(3), 100.0),
    RegisterQuantity("fan_rpm", _input(4), 10.0),
    RegisterQuantity("pump", _input(7), 1.0 / PUMP_SPEED),
    RegisterQuantity("room_target_c", _input(11), 0.1),
    RegisterQuantity("room_target_c", _input(12), 0.1),
    RegisterQuantity("tank_c", _input(16), 0.1, signed=True, missing=_OPEN_SENSOR),
    RegisterQuantity(
        "room_c", _input(33), 0.1, signed=True, missing=0
    ),  # as without room controller
)
_OFF, _HEATING = {_MODE: 0}, {_MODE: 1}
_STATES: Final[Mapping[State, Mapping[Field, int]]] = MappingProxyType(
    {"off": _OFF, "standby": _HEATING, "heating": _HEATING, "defrost": _HEATING}
)
# Settings ÷10 °C, seconds and minutes, by the first register of each run: the map's defaults.
_DEFAULT_HOLDING: Final[Mapping[int, tuple[int, ...]]] = MappingProxyType(
    {
        3: (550, 300, 0, 200, 450, 550, 300, 0, 200),
        22: (80, 80, 50, 50, 1, 1, 500, 400, 30, 600, 61, 30, 0x10000 - 50, 50, 650, 80),
        39: (30, 30),
        50: (140, 10, 350),
        54: (40, 30, 40, 30, 50, 30),
        67: (15, 2, 5, 60),
        99: (450,),
    }
)
_ENABLED: Final = {
    RegisterRef("coil", 7): 1,
    RegisterRef("coil", 16): 1,
    RegisterRef("coil", 26): 1,
}
_ALL: Final[tuple[range, ...]] = (range(END),)
_TABLES: Final[Mapping[Table, tuple[range, ...]]] = MappingProxyType(
    {"input": _ALL, "holding": _ALL, "coil": _ALL, "discrete": _ALL}
)


def _defaults() -> dict[RegisterRef, int]:
    holding = {
        RegisterRef("holding", at + i): raw
        for at, run in _DEFAULT_HOLDING.items()
        for i, raw in enumerate(run)
    }
    history = {RegisterRef("input", at): NO_ERROR for at in (_ERROR.address, *_ERROR_HISTORY)}
    return (
        holding
        | history
        | {RegisterRef("input", at): _NOT_FITTED for at in _SENSORS_NOT_FITTED}
        | _ENABLED
    )


def _effective(contents: Contents, write: Write) -> dict[RegisterRef, int]:
    """The words of a write that take effect: before Modbus is enabled, only the enabling."""
    enabled = contents.get((ENABLE,))
    return {ref: word for ref, word in write.words.items() if enabled or ref == ENABLE.ref}


def _derive(reading: UnitReading, contents: Contents) -> None:
    """Copy the room temperature into the registers of the second zone."""
    contents.put(_input(34), contents.get(_input(33)))


CHOFU_GRANT: Final = RegisterMap(
    profile="chofu-grant",
    serial=SerialFormat(19_200, "N", 2),
    reads=Reads(_TABLES, END),
    writes=Writes(
        frozenset((WRITE_COIL, WRITE_REGISTER, WRITE_REGISTERS)),
        (
            Setting("setpoint_c", Field(2), 0.1, 20.0, 60.0),
            Setting("room_target_c", Field(97), 0.1, 5.0, 30.0),
            Setting("curve", coil(2)),
            Setting("room_controlled", coil(7), codes={0: 1.0, 1: 0.0}),
        ),
        {"holding": _ALL, "coil": _ALL},
        _effective,
    ),
    quantities=_QUANTITIES,
    states=_STATES,
    # No sourced table gives the meaning of an error number.
    faults={
        f"other:21.{_LETTER_BASE + letter}": (_ERROR, _LETTER_BASE + letter) for letter in _LETTERS
    },
    no_fault=NO_ERROR,
    defaults=_defaults(),
    derive=_derive,
    curve=Curve(0.0, 45.0, 20.0, 30.0),  # registers 3 to 6
    set_point=None,
)
