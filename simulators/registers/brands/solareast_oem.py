"""Solareast OEM controller OPxPii, protocol V1.2.9 (docs/domain/profile-solareast-oem.md)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from simulators.registers.fields import Contents, Field, RegisterQuantity, RegisterRef, bit, coil
from simulators.registers.image import UnitReading
from simulators.registers.refusals import Reads
from simulators.registers.register_map import Curve, RegisterMap
from simulators.registers.serial_format import SerialFormat
from simulators.registers.writes import WRITE_COIL, WRITE_REGISTER, WRITE_REGISTERS, Setting, Writes
from wire.points import State

LARGEST_READ: Final = 99  # "< 100 registers"
OPEN_SENSOR: Final = 0x8000  # the protocol names none; bus-quirks row 9 has this one
_RUNNING_STATE, _POWER_STATE = 0x0000, 0x0001
_DEFROST, _SET_POINT_REACHED, _FAULT_STOP, _RUNNING = (
    bit(_RUNNING_STATE, number) for number in (8, 12, 13, 14)
)
_SWITCHED_ON: Final = bit(_POWER_STATE, 10)
_RELAYS_1, _RELAYS_2 = 0x0019, 0x001A
_COMPRESSOR, _FAN, _FLOW_SWITCH = bit(_RELAYS_2, 0), bit(_RELAYS_2, 5), bit(0x001D, 8)
_FAN_SPEED, _MODE = Field(0x0041), Field(0x0304)

_SYSTEM_1: Final = range(0x0005, 0x000A)
_SYSTEM_2_OFFSET: Final = 5  # words 0x000A to 0x000E mirror 0x0005 to 0x0009
# Words and bits by fault kind (docs/domain/rules-and-faults.md; other bits by the text of their own
# table).
_FAULT_BITS: Final[Mapping[str, tuple[tuple[int, tuple[int, ...]], ...]]] = MappingProxyType(
    {
        "water_flow": ((2, (2, 12)), (3, (13, 14, 15))),
        "high_pressure": ((5, (0, 2, 6)),),
        "low_pressure": ((5, (1, 3)),),
        "discharge_high": ((5, (4,)),),
        "phase": ((2, (1, 0)), (3, (11,)), (4, (0,)), (7, (3,)), (9, (1,))),
        "voltage": ((7, (9, 7, 8)), (8, (9,)), (9, (7,))),
        "overcurrent": ((5, (5,)), (7, (2, 10)), (8, (0, 4)), (9, (2, 10))),
        "inverter": (
            (7, (0, 1, 4, 5, 6, 11)),
            (8, (1, 2, 3, 5, 8)),
            (9, (0, 3, 4, 5, 6, 8, 9)),
        ),
        "fan": ((5, (13, 12)),),
        "sensor": (
            (2, (6, 7, 8, 9, 10, 13)),
            (3, (6,)),
            (4, (2, 6, 7, 8, 9)),
            (5, (7, 8, 9, 10, 11, 14)),
            (6, (0, 1)),
        ),
        "comm_internal": ((2, (3,)), (4, (1,)), (6, (4,)), (7, (12, 14, 15))),
        "freeze_protect": ((2, (11,)),),
        "delta_t": ((2, (15,)),),
        "low_ambient_stop": ((3, (0,)),),
        "lockout": ((2, (5,)),),
        "other": ((2, (4, 14)), (4, (5,)), (6, (2, 3))),
    }
)

_TEMPERATURES: Final = (
    ("ruling_c", 0x25),
    ("condensing_c", 0x48),
    ("evaporating_c", 0x49),
    ("outdoor_c", 0x4A),
    ("coil_c", 0x4B),
    ("suction_c", 0x4D),
    ("discharge_c", 0x4E),
    ("return_c", 0x4F),
    ("tank_c", 0x54),
    ("return_c", 0x59),
    ("supply_c", 0x75),
    ("return_c", 0xF0),
    ("supply_c", 0xF1),
    ("outdoor_c", 0xF2),
    ("tank_c", 0xF4),
    ("supply_c", 0x50),
)
_QUANTITIES: Final = (
    *(
        RegisterQuantity(point, (Field(at),), 0.1, signed=True, missing=OPEN_SENSOR)
        for point, at in _TEMPERATURES
    ),
    RegisterQuantity("aux_heater", (bit(_RELAYS_1, 4),)),
    RegisterQuantity("pump", (bit(_RELAYS_1, 6),)),
    RegisterQuantity("four_way", (bit(_RELAYS_2, 3),)),
    RegisterQuantity("compressor_hz", (Field(0x27),)),
    RegisterQuantity("compressor_hz", (Field(0x40),)),
    RegisterQuantity("exv_steps", (Field(0x42),)),
    RegisterQuantity("voltage_v", (Field(0x44),)),
    RegisterQuantity("current_a", (Field(0x45),), 0.1),
    RegisterQuantity("flow_lpm", (Field(0x58),)),
    # The protocol gives no scale for the meters of the unit: assume whole volts, kW and kWh.
    RegisterQuantity("voltage_v", (Field(0x5A),)),
    RegisterQuantity("power_w", (Field(0x5C),), 1000.0),
    RegisterQuantity("energy_kwh", (Field(0x5D),)),
)
_STATES: Final[Mapping[State, Mapping[Field, int]]] = MappingProxyType(
    {
        "off": {_SWITCHED_ON: 0},
        "standby": {_SWITCHED_ON: 1, _SET_POINT_REACHED: 1},
        "heating": {_SWITCHED_ON: 1, _RUNNING: 1, _COMPRESSOR: 1},
        "defrost": {_SWITCHED_ON: 1, _RUNNING: 1, _COMPRESSOR: 1, _DEFROST: 1},
    }
)
_LIMITS: Final = {
    0xFA: 550,
    0xFB: 250,
    0xFC: 600,
    0xFD: 300,
    0xFE: 250,
    0xFF: 70,
}  # most and least set-points, ÷10
_PARAMETERS: Final = {
    0x011E: 0,
    0x011F: 45,
    0x0120: 0x10000 - 50,
    0x0123: 8,
    0x0124: 150,
    0x0115: 0x10000 - 300,
}
_CONTROLS: Final = {0x0300: 120, 0x0302: 550, 0x0303: 500, 0x0304: 1, 0x0360: 129, 0x0363: 130}


def _derive(reading: UnitReading, contents: Contents) -> None:
    """Fill switches, fan (rpm on this model, Hz on others), fault stop and phase current."""
    contents.put((_FAN_SPEED,), round(reading.values.get("fan_rpm", 0.0)))
    contents.put((_FAN,), int(reading.values.get("fan_rpm", 0.0) > 0.0))
    contents.put((_FLOW_SWITCH,), int(reading.values.get("flow_lpm", 0.0) > 0.0))
    contents.put((_FAULT_STOP,), int(bool(reading.faults) and reading.state == "standby"))
    contents.put((Field(0x46),), contents.get((Field(0x45),)))
    contents.put((Field(0x5B),), round(reading.values.get("current_a", 0.0)))


def _faults() -> dict[str, tuple[Field, int]]:
    """The fault bits of both systems; those of system 1 come first of their kind."""
    faults = [
        (kind, word, number)
        for kind, words in _FAULT_BITS.items()
        for word, numbers in words
        for number in numbers
    ]
    mirrored = [
        (kind, word + _SYSTEM_2_OFFSET, number)
        for kind, word, number in faults
        if word in _SYSTEM_1
    ]
    return {
        f"{kind}:{word}.{number}": (bit(word, number), 1)
        for kind, word, number in (*faults, *mirrored)
    }


SOLAREAST_OEM: Final = RegisterMap(
    profile="solareast-oem",
    serial=SerialFormat(),
    reads=Reads(
        {
            "holding": (range(0x0100), range(0x0100, 0x0207), range(0x0300, 0x0364)),
            "coil": (range(0x1000, 0x101E),),
        },
        LARGEST_READ,
    ),
    writes=Writes(
        frozenset((WRITE_COIL, WRITE_REGISTER, WRITE_REGISTERS)),
        (
            Setting("setpoint_c", Field(0x0301), 0.1, 25.0, 55.0),
            Setting("switched_on", Field(0x0305)),
            Setting("room_target_c", Field(0x0306), 0.1, 5.0, 30.0),
            Setting("curve", Field(0x0314), codes={**dict.fromkeys(range(1, 9), 1.0), 0: 0.0}),
            Setting("factory_reset", bit(0x0330, 13)),
            Setting("switched_on", coil(0x1000)),
            Setting("factory_reset", coil(0x101D)),
        ),
        {
            "holding": (
                range(0x0100, 0x0207),
                range(0x0300, 0x0308),
                range(0x0313, 0x0317),
                range(0x0330, 0x0346),
            ),
            "coil": (range(0x1000, 0x101E),),
        },
    ),
    quantities=_QUANTITIES,
    states=_STATES,
    faults=_faults(),
    defaults={
        RegisterRef("holding", address): raw
        for address, raw in (_LIMITS | _PARAMETERS | _CONTROLS).items()
    },
    derive=_derive,
    # The protocol numbers its curves without their shape: engineering assumption.
    curve=Curve(-20.0, 45.0, 15.0, 30.0),
    set_point="ruling_c",
    refuses_in_silence=True,
)
