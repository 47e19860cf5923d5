"""PHNIX controllers: FoxAir, Kaisai KHX, Cooper&Hunter Ecopower (docs/domain/profile-phnix.md)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from simulators.registers.fields import Contents, Field, RegisterQuantity, RegisterRef, bit, pair
from simulators.registers.image import UnitReading
from simulators.registers.refusals import Reads
from simulators.registers.register_map import Curve, RegisterMap
from simulators.registers.serial_format import SerialFormat
from simulators.registers.writes import WRITE_REGISTERS, Setting, Writes
from wire.points import State

PACKET: Final = 90
OPEN_SENSOR: Final = 0x7FFD
_VALID_PACKET: Final = 0x5AA5
_ON, _STATUS, _OUTPUTS, _SWITCHES = Field(2011), Field(2012), 2019, 2034
_HEATING, _DEFROSTING = 1, 2
_COMPRESSOR, _FAN, _ALARM, _HEATING_PUMP = (bit(_OUTPUTS, number) for number in (0, 2, 10, 13))
_COP: Final = Field(2060)
_DC_BUS: Final = 1.66  # direct over mains voltage, from the live unit of physics §20.2
_LITRES_A_MINUTE: Final = 1000.0 / 60.0 / 100.0  # register 2077 counts m³/h × 100

# Registers and bits by fault kind (docs/domain/rules-and-faults.md). The first stands for the kind.
_FAULT_BITS: Final[Mapping[str, tuple[tuple[int, tuple[int, ...]], ...]]] = MappingProxyType(
    {
        "water_flow": ((2085, (8,)),),
        "high_pressure": ((2085, (4,)),),
        "low_pressure": ((2085, (6,)),),
        "phase": ((2081, (3,)),),
        "voltage": ((2081, (9, 7, 8)), (2082, (7,))),
        "overcurrent": ((2081, (2, 10)),),
        "inverter": (
            (2081, (0, 1, 4, 5, 6, 11)),
            (2082, (0, 1, 3, 6, 15)),
            (2083, (0, 1, 2, 4, 5)),
        ),
        "fan": ((2090, (11, 12, 13, 15)), (2086, (3, 4))),
        "sensor": (
            (2085, (2, 3, 14)),
            (2086, (7, 8, 9)),
            (2089, (0, 1, 2, 3, 4, 5, 9, 10, 11, 13)),
            (2090, (8,)),
        ),
        "comm_internal": ((2081, (12, 13, 14, 15)),),
        "freeze_protect": ((2085, (10, 11, 12)),),
        "delta_t": ((2086, (5,)),),
        "low_ambient_stop": ((2089, (14,)),),
        "lockout": ((2087, (4, 6, 8, 9, 12)), (2088, (2, 3, 4))),
        "other": ((2085, (9,)), (2086, (6,))),
    }
)

_TEMPERATURES: Final = (
    ("ruling_c", 2013),
    ("ruling_c", 2014),
    ("return_c", 2035),
    ("supply_c", 2036),
    ("return_c", 2045),
    ("tank_c", 2047),
    ("outdoor_c", 2048),
    ("coil_c", 2049),
    ("suction_c", 2051),
    ("discharge_c", 2053),
    ("room_c", 2058),
    ("evaporating_c", 2065),
    ("supply_c", 2046),
)
_QUANTITIES: Final = (
    *(
        RegisterQuantity(point, (Field(at),), 0.1, signed=True, missing=OPEN_SENSOR)
        for point, at in _TEMPERATURES
    ),
    RegisterQuantity("pump", (bit(_OUTPUTS, 4),)),
    RegisterQuantity("four_way", (bit(_OUTPUTS, 6),)),
    RegisterQuantity("aux_heater", (bit(_OUTPUTS, 7),)),
    RegisterQuantity("exv_steps", (Field(2020),)),
    RegisterQuantity("current_a", (Field(2029),), 0.1),
    RegisterQuantity("current_a", (Field(2042),), 0.1),
    RegisterQuantity("power_w", (Field(2054),), 100.0),
    RegisterQuantity("heat_w", (Field(2059),), 100.0),
    RegisterQuantity("voltage_v", (Field(2062),)),
    RegisterQuantity("low_bar", (Field(2069),), 0.1),
    RegisterQuantity("compressor_hz", (Field(2071),)),
    RegisterQuantity("compressor_hz", (Field(2072),)),
    RegisterQuantity("fan_rpm", (Field(2074),)),
    RegisterQuantity("fan_rpm", (Field(2076),)),
    RegisterQuantity("flow_lpm", (Field(2077),), _LITRES_A_MINUTE),
    RegisterQuantity("energy_kwh", pair(2078)),
    RegisterQuantity(
        "energy_kwh", pair(2118)
    ),  # heating's own counters, two registers apart: 32 bits each
    RegisterQuantity("heat_kwh", pair(2120)),
)
_RUNNING: Final = {_ON: 1, _COMPRESSOR: 1, _HEATING_PUMP: 1}
_STATES: Final[Mapping[State, Mapping[Field, int]]] = MappingProxyType(
    {
        "off": {_ON: 0, _STATUS: _HEATING},
        "standby": {_ON: 1, _STATUS: _HEATING},
        "heating": {**_RUNNING, _STATUS: _HEATING},
        "defrost": {**_RUNNING, _STATUS: _DEFROSTING},
    }
)
# Factory values of the defrost parameters, the control block and the zones
# (docs/domain/profile-phnix.md). Register 1106 differs: 75 instead of 26 min of heating before a
# defrost, so that the settings keep defrosting below a tenth (requirements R6).
_CONTROL: Final = {
    1012: 1,
    1037: 0x10000 - 250,
    1038: 40,
    1040: 1100,
    1164: 150,
    1165: 640,
    2073: 90,
}
_ZONES: Final = {
    1070: 200,
    1071: 20,
    1072: 200,
    1073: 20,
    1075: 450,
    1076: 350,
    1082: 150,
    1084: 150,
    1085: 20,
}
_MIXING: Final = {1088: 2, 1090: 2, 1135: 400, 1357: 20}
_DEFROST: Final = {1105: 125, 1106: 75, 1111: 5, 1116: 230, 1117: 10, 1118: 120, 1122: 130, 1124: 8}
_WHILE_DEFROSTING: Final = {1125: 70, 1126: 1, 1130: 70}
_FACTORY: Final = {
    **_CONTROL,
    **_ZONES,
    **_MIXING,
    **_DEFROST,
    **_WHILE_DEFROSTING,
    2107: _VALID_PACKET,
}


def _derive(reading: UnitReading, contents: Contents) -> None:
    """Fill the outputs, switches and figures that follow from measured quantities."""
    values = reading.values
    power, heat = values.get("power_w", 0.0), values.get("heat_w", 0.0)
    contents.put((_FAN,), int(values.get("fan_rpm", 0.0) > 0.0))
    contents.put((_ALARM,), int(bool(reading.faults)))
    contents.put((bit(_SWITCHES, 2),), int(values.get("flow_lpm", 0.0) > 0.0))
    contents.put((Field(2043),), round(values.get("voltage_v", 0.0) * _DC_BUS))
    contents.put((_COP,), max(round(100 * heat / power), 0) if power > 0.0 else 0)


PHNIX: Final = RegisterMap(
    profile="phnix",
    serial=SerialFormat(),
    # Packets of 90 registers: a read is answered inside the packets and up to the length of one.
    reads=Reads({"holding": (range(1001, 1541), range(2001, 2181))}, PACKET),
    writes=Writes(
        frozenset((WRITE_REGISTERS,)),
        (
            Setting("switched_on", Field(1011)),
            Setting("setpoint_c", Field(1158), 0.1, 15.0, 64.0),
            Setting("curve", Field(1236)),
            Setting("room_target_c", Field(1239), 0.1, 5.0, 30.0),
        ),
        {"holding": (range(1011, 1541),)},
    ),
    quantities=_QUANTITIES,
    parameters=(
        RegisterQuantity("low_ambient_cutoff_c", (Field(1037),), 0.1, signed=True),
        RegisterQuantity("defrost_interval_min", (Field(1106),)),
        RegisterQuantity("defrost_max_min", (Field(1124),)),
    ),
    states=_STATES,
    faults={
        f"{kind}:{register}.{number}": (bit(register, number), 1)
        for kind, registers in _FAULT_BITS.items()
        for register, numbers in registers
        for number in numbers
    },
    defaults={RegisterRef("holding", address): raw for address, raw in _FACTORY.items()},
    derive=_derive,
    curve=Curve(-20.0, 45.0, 15.0, 30.0),  # no document gives its shape: engineering assumption
    nonsense=((Field(2059),), (_COP,)),
    refuses_in_silence=True,
)
