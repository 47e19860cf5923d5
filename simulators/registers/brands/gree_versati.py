"""Gree Versati family: Aermec HMI080, Sinclair S-Therm (docs/domain/profile-gree-versati.md)."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from simulators.registers.fields import Contents, Field, RegisterQuantity, RegisterRef, coil
from simulators.registers.image import UnitReading
from simulators.registers.refusals import Reads
from simulators.registers.register_map import Curve, RegisterMap
from simulators.registers.serial_format import SerialFormat
from simulators.registers.writes import WRITE_COILS, WRITE_REGISTERS, Setting, Write, Writes
from wire.points import State

OPEN_SENSOR: Final = 0x7FFF  # the map names none
SWITCH_ON, SWITCH_OFF = 0xAA, 0x55
_MODE, _POWER, _STATUS = RegisterRef("holding", 2), Field(42), Field(117)
_COMPRESSOR, _FAN, _DEFROST, _FLOW_OPEN = coil(80), coil(81), coil(86), coil(170)
_HEATING, _OFF = 2, 8

# Coils by fault kind (docs/domain/rules-and-faults.md; other coils by the text of their own table).
# The first coil stands for the kind.
_FAULT_COILS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "water_flow": (188, 108),
        "high_pressure": (94,),
        "low_pressure": (95,),
        "discharge_high": (96,),
        "phase": (134,),
        "voltage": (147, 128, 129),
        "overcurrent": (136, 130),
        "inverter": (131, 132, 133, 135, 137, 138, 139, 140, 142, 143, 146, 149, 150, 151),
        "fan": (92,),
        "sensor": (88, 89, 90, 91, 93, 99, 100, 148, 152, 153, 154, 155, 156, 158, 160),
        "comm_internal": (98, 64, 65, 66, 141),
        "lockout": (103, 191),
        "other": (102, 97, 184, 185, 186, 187, 190),
    }
)

_TEMPERATURES: Final = (
    ("outdoor_c", 118),
    ("discharge_c", 119),
    ("coil_c", 120),
    ("suction_c", 121),
    ("condensing_c", 124),  # the discharge pressure, as its saturation
    ("supply_c", 126),  # the optional water sensor, fitted behind the heater
    ("return_c", 127),
    ("tank_c", 128),
    ("room_c", 129),
    ("curve_c", 137),
    ("supply_c", 125),
)
_LOADS: Final = (("four_way", 83), ("aux_heater", 171), ("pump", 175))
_STATES: Final[Mapping[State, Mapping[Field, int]]] = MappingProxyType(
    {
        "off": {_STATUS: _OFF},
        "standby": {_STATUS: _HEATING},
        "heating": {_STATUS: _HEATING, _COMPRESSOR: 1},
        "defrost": {_STATUS: _HEATING, _COMPRESSOR: 1, _DEFROST: 1},
    }
)
# Defaults of the map in whole °C, minutes and amperes, by the first word of each run.
_FACTORY: Final[Mapping[int, tuple[int, ...]]] = MappingProxyType(
    {
        2: (
            1,
            3,
            70,
            1,
            25,
            5,
            12,
            18,
            45,
            24,
            20,
            50,
            0x10000 - 15,
            0x10000 - 20,
            50,
            25,
            0x10000 - 20,
            24,
            18,
        ),
        21: (55, 40, 40, 25, 27, 22, 15, 7, 5, 10, 5, 2, 3, 5, 1, 1, 1, 16, 0, 3, 3),
    }
)


def _temperatures(step: float) -> tuple[RegisterQuantity, ...]:
    return tuple(
        RegisterQuantity(point, (Field(at),), step, True, 0 if point == "curve_c" else OPEN_SENSOR)
        for point, at in _TEMPERATURES
    )


def _effective(contents: Contents, write: Write) -> dict[RegisterRef, int]:
    """The words of a write that take effect: a new mode is ignored unless the unit is off."""
    off = contents.get((_STATUS,)) == _OFF
    return {ref: word for ref, word in write.words.items() if off or ref != _MODE}


def _derive(reading: UnitReading, contents: Contents) -> None:
    """Fill fan and flow switch, and the flags of fitted sensors."""
    contents.put((_FAN,), int(reading.values.get("fan_rpm", 0.0) > 0.0))
    contents.put((_FLOW_OPEN,), int(reading.values.get("flow_lpm", 1.0) == 0.0))
    contents.put((coil(29),), int("tank_c" not in reading.unfitted))
    contents.put((coil(33),), int("room_c" not in reading.unfitted))


def _whole_degrees(brand: RegisterMap) -> RegisterMap:
    """The map of a firmware that transmits whole degrees."""
    kept = tuple(quantity for quantity in brand.quantities if not quantity.point.endswith("_c"))
    return replace(brand, quantities=(*_temperatures(1.0), *kept))


GREE_VERSATI: Final = RegisterMap(
    profile="gree-versati",
    serial=SerialFormat(),
    reads=Reads({"holding": (range(44), range(117, 138)), "coil": (range(199),)}, 199),
    writes=Writes(
        frozenset((WRITE_COILS, WRITE_REGISTERS)),
        (
            Setting("setpoint_c", Field(10), 1.0, 20.0, 55.0),
            Setting("room_target_c", Field(12), 1.0, 18.0, 30.0),
            Setting("switched_on", _POWER, codes={SWITCH_ON: 1.0, SWITCH_OFF: 0.0}),
            Setting("room_controlled", coil(17)),
            Setting("curve", coil(22)),
            Setting("refrigerant_recovery", coil(35)),
        ),
        {"holding": (range(44),), "coil": (range(8, 38),)},
        _effective,
    ),
    quantities=(
        *_temperatures(0.1),
        *(RegisterQuantity(point, (coil(at),)) for point, at in _LOADS),
    ),
    states=_STATES,
    faults={f"{kind}:{at}": (coil(at), 1) for kind, coils in _FAULT_COILS.items() for at in coils},
    defaults={
        RegisterRef("holding", first + i): raw
        for first, run in _FACTORY.items()
        for i, raw in enumerate(run)
    },
    derive=_derive,
    curve=Curve(-20.0, 55.0, 25.0, 40.0),  # words 18 and 21, 17 and 22
    set_point="curve_c",
    variants={"whole_degrees": _whole_degrees},
)
