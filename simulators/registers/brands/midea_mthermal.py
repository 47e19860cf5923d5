"""Midea M-thermal / Arctic, R290, firmware V4.6 (docs/domain/profile-midea-mthermal.md)."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from simulators.registers.fields import (
    Contents,
    Field,
    RegisterQuantity,
    RegisterRef,
    bit,
    low_byte,
    pair,
)
from simulators.registers.image import UnitReading
from simulators.registers.refusals import Reads
from simulators.registers.register_map import Curve, RegisterMap
from simulators.registers.serial_format import SerialFormat
from simulators.registers.writes import WRITE_REGISTER, WRITE_REGISTERS, Setting, Writes
from wire.points import State

LITRES_A_MINUTE: Final = 1000.0 / 60.0 / 100.0  # register 138 counts m³/h × 100
LARGEST_READ: Final = 40  # older firmware refuses 47 registers from 100 ("Quirks")
_OPEN, _OPEN_WHOLE = 0x7FFF, 0x7F  # invalid sensor in either resolution
_UNFITTED_C: Final = 25.0
_DC_BUS: Final = 370.0 / 223.0  # the live unit's direct voltage over its mains voltage
_HEAT: Final = 3

# Error table 1 (register 124): number by `kind:panel code`, the kinds of
# docs/domain/rules-and-faults.md.
ERRORS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "water_flow:E8": 9,
        "water_flow:E0": 1,
        "phase:E1": 2,
        "comm_internal:E2": 3,
        "sensor:E3": 4,
        "sensor:E4": 5,
        "sensor:E5": 6,
        "sensor:E6": 7,
        "sensor:E7": 8,
        "sensor:E9": 10,
        "sensor:EA": 11,
        "sensor:Eb": 12,
        "sensor:Ec": 13,
        "sensor:Ed": 14,
        "other:EE": 15,
        "low_pressure:P0": 20,
        "high_pressure:P1": 21,
        "overcurrent:P3": 23,
        "discharge_high:P4": 24,
        "delta_t:P5": 25,
        "inverter:P6": 26,
        "freeze_protect:Pb": 31,
        "other:Pd": 33,
        "delta_t:PP": 38,
        "comm_internal:H0": 39,
        "comm_internal:H1": 40,
        "sensor:H2": 41,
        "sensor:H3": 42,
        "inverter:H4": 43,
        "sensor:H5": 44,
        "fan:H6": 45,
        "voltage:H7": 46,
        "sensor:H8": 47,
        "sensor:H9": 48,
        "sensor:HA": 49,
        "freeze_protect:Hb": 50,
        "comm_internal:Hd": 52,
        "comm_internal:HE": 53,
        "inverter:HF": 54,
        "lockout:HH": 55,
        "low_pressure:HP": 57,
        "inverter:C7": 65,
        "other:bH": 112,
        "voltage:F1": 116,
        "inverter:L0": 134,
        "inverter:L1": 135,
        "inverter:L2": 136,
        "inverter:L4": 138,
        "inverter:L5": 139,
        "phase:L7": 141,
        "inverter:L8": 142,
        "inverter:L9": 143,
    }
)

_TEMPERATURES: Final = (
    ("return_c", 104),
    ("supply_c", 105),
    ("coil_c", 106),
    ("outdoor_c", 107),
    ("discharge_c", 108),
    ("suction_c", 109),
    ("supply_c", 110),
    ("room_c", 114),
    ("tank_c", 115),
)
_FITTED_BY_CHOICE: Final = ("room_c", "tank_c")
_QUANTITIES: Final = (
    RegisterQuantity("compressor_hz", (Field(100),)),
    RegisterQuantity("fan_rpm", (Field(102),)),
    RegisterQuantity("exv_steps", (Field(103),)),
    RegisterQuantity("high_bar", (Field(116),), 0.01),
    RegisterQuantity("low_bar", (Field(117),), 0.01),
    RegisterQuantity(
        "current_a", (Field(118),)
    ),  # whole amperes, as the protocol says: the live 870 W at 223 V show 3
    RegisterQuantity("voltage_v", (Field(119),)),
    RegisterQuantity("aux_heater", (bit(129, 0),)),
    RegisterQuantity("pump", (bit(129, 3),)),
    RegisterQuantity("compressor_hz", (Field(132),)),
    RegisterQuantity("flow_lpm", (Field(138),), LITRES_A_MINUTE),
    RegisterQuantity("frequency_limit", (Field(139),)),
    RegisterQuantity("heat_w", (Field(140),), 10.0),
    RegisterQuantity("heat_w", (Field(148),), 10.0),
    RegisterQuantity("power_w", (Field(150),), 10.0),
)
# Counters of electricity and of heat: of the unit, of the system, and of heating alone.
_COUNTERS: Final = (("energy_kwh", (143, 156, 162)), ("heat_kwh", (145, 152, 158)))
_COP, _TOTAL_COP, _RENEWABLE = Field(151), Field(164), Field(149)

_STATES: Final[Mapping[State, Mapping[Field, int]]] = MappingProxyType(
    {
        "off": {Field(0): 0, Field(17): 0, Field(101): 0, Field(199): 0},
        "standby": {Field(0): 0b11, Field(17): 1, Field(101): 0, Field(199): 0},
        "heating": {Field(0): 0b11, Field(17): 1, Field(101): _HEAT, Field(199): _HEAT},
        "defrost": {
            Field(0): 0b11,
            Field(17): 1,
            Field(101): _HEAT,
            Field(199): _HEAT,
            bit(128, 1): 1,
        },
    }
)
# Live values of the sample unit in registers without a simulated quantity, by the first register of
# each run. Only 232, the coldest outdoor temperature for heating, differs from the sample: it has
# the value that the subsidy requires (requirements R2).
_LIVE: Final[Mapping[int, tuple[int, ...]]] = MappingProxyType(
    {
        1: (_HEAT,),
        18: (1, 1),
        123: (10,),
        128: (1 << 4,),  # b4: remote on/off
        187: (47,),  # protocol version × 10
        190: (3,),  # sub-model R290-A
        201: (6425, 1285, 14135, 6425, 60, 34, 70, 20, 5, 0, 0, 10, 10),
        215: (46, 0x10000 - 10, 30, 5, 5, 65, 210, 15),
        224: (5, 2, 52, 10, 5, 6, 2, 25, 0x10000 - 25, 0x10000 - 5, 5, 30),
        237: (0x10000 - 5, 5, 30, 90, 30),
        243: (25, 17, 25, 25),
        252: (20,),
        255: (8, 5, 5, 45, 72, 25, 10, 16, 35, 25, 35, 28, 0x10000 - 5, 7, 1, 257, 4, 4352),
    }
)
_DEFAULTS: Final = {
    RegisterRef("holding", first + i): raw
    for first, run in _LIVE.items()
    for i, raw in enumerate(run)
}
# Registers of sensors that the sample unit does not have (T2, T2B, Tbt1, Tbt2, Tsolar, T9), of its
# curves, and TL, which stood at -1 °C, as its dump shows them.
_ABSENT: Final = {
    120: 255,
    121: 255,
    136: 255,
    137: 255,
    141: 255,
    191: 0xFFFF,
    193: _OPEN,
    194: _OPEN,
}


def _settings(step: float) -> tuple[Setting, ...]:
    """Set-points, power and the switch of the curve; water limits as in registers 203 and 204."""
    return (
        Setting("switched_on", Field(0, 2), codes={0: 0.0, 1: 1.0, 2: 1.0, 3: 1.0}),
        Setting("room_controlled", Field(0, 2), codes={1: 1.0, 2: 0.0, 3: 0.0}),
        Setting("setpoint_c", Field(11), step, 25.0, 55.0),
        Setting("setpoint_c", low_byte(2), max(step, 0.5), 25.0, 55.0),
        Setting("room_target_c", Field(3), 0.5, 17.0, 30.0),
        Setting("curve", bit(5, 12)),
        Setting("switched_on", Field(16)),
    )


def _temperatures(step: float, missing: int) -> tuple[RegisterQuantity, ...]:
    return tuple(
        RegisterQuantity(
            point,
            (Field(at),),
            step,
            True,
            missing,
            round(_UNFITTED_C / step) if point in _FITTED_BY_CHOICE else None,
        )
        for point, at in _TEMPERATURES
    )


def _counters(step: float) -> tuple[RegisterQuantity, ...]:
    return tuple(
        RegisterQuantity(point, pair(at), step)
        for point, registers in _COUNTERS
        for at in registers
    )


def _absent(step: float) -> dict[RegisterRef, int]:
    twenty_five = round(_UNFITTED_C / step)
    return {RegisterRef("holding", at): raw for at, raw in (_ABSENT | {111: twenty_five}).items()}


def _derive(reading: UnitReading, contents: Contents) -> None:
    """Fill the figures that follow from measured ones, the target of the curve, and the mode."""
    values = reading.values
    heat, power = values.get("heat_w", 0.0), values.get("power_w", 0.0)
    total_heat, total_power = values.get("heat_kwh", 0.0), values.get("energy_kwh", 0.0)
    contents.put((Field(134),), round(values.get("voltage_v", 0.0) * _DC_BUS / 10.0))
    contents.put((_RENEWABLE,), max(round((heat - power) / 10.0), 0))
    contents.put((_COP,), max(round(100 * heat / power), 0) if power > 0 else 0)
    contents.put((_TOTAL_COP,), round(100 * total_heat / total_power) if total_power > 0 else 0)
    contents.put((bit(129, 12),), int(contents.get((Field(124),)) > 0))
    if reading.curve_c is not None:
        contents.put((Field(136),), round(reading.curve_c))
    if reading.room_controlled and reading.state != "off":
        contents.put((Field(0),), 0b01)


def _whole_degrees(brand: RegisterMap) -> RegisterMap:
    """The map with bit 8 of register 189 clear: whole degrees, another open-sensor value."""
    kept = tuple(quantity for quantity in brand.quantities if not quantity.point.endswith("_c"))
    return replace(
        brand,
        quantities=(*_temperatures(1.0, _OPEN_WHOLE), *kept),
        writes=replace(brand.writes, settings=_settings(1.0)),
        defaults={**brand.defaults, **_absent(1.0), RegisterRef("holding", 189): 0},
    )


def _whole_kwh(brand: RegisterMap) -> RegisterMap:
    """The map of sub-model R32-A, whose counters are whole kWh."""
    kept = tuple(quantity for quantity in brand.quantities if not quantity.point.endswith("_kwh"))
    counters = _counters(1.0)
    return replace(
        brand,
        quantities=(*kept, *counters),
        defaults={**brand.defaults, RegisterRef("holding", 190): 7},
    )


MIDEA_MTHERMAL: Final = RegisterMap(
    profile="midea-mthermal",
    serial=SerialFormat(),
    reads=Reads(
        {"holding": (range(23), range(100, 200), range(200, 291))},
        LARGEST_READ,
        single=(range(200, 291),),
    ),
    writes=Writes(
        frozenset((WRITE_REGISTER, WRITE_REGISTERS)),
        _settings(0.1),
        {"holding": (range(1, 14), range(18, 21), range(209, 291))},
    ),
    quantities=(*_temperatures(0.1, _OPEN), *_QUANTITIES, *_counters(0.01)),
    parameters=(RegisterQuantity("low_ambient_cutoff_c", (Field(232),), signed=True),),
    states=_STATES,
    faults={code: (Field(124), number) for code, number in ERRORS.items()},
    defaults={**_DEFAULTS, **_absent(0.1), RegisterRef("holding", 189): 1 << 8},
    derive=_derive,
    curve=Curve(-5.0, 35.0, 7.0, 28.0),  # registers 265 to 268
    nonsense=((Field(148),), (Field(140),), (_COP,)),
    variants={"whole_degrees": _whole_degrees, "whole_kwh": _whole_kwh},
)
