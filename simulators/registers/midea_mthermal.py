"""Midea M-thermal / Arctic, R290 units (profile-midea-mthermal.md)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from simulators.registers.image import (
    ILLEGAL_ADDRESS,
    Image,
    Quantity,
    RefusedError,
    Setting,
    UnitReading,
    Words,
    settings_asked,
)

LITRES_A_MINUTE: Final = 1000.0 / 60.0 / 100.0  # register 138 counts m³/h × 100
HEAT: Final = 3
LARGEST_READ: Final = 40  # older firmware refuses 47 registers from 100 (profile, "Quirks")
_TENTHS_BIT: Final = 1 << 8
_R290_A: Final = 3
_PROTOCOL: Final = 47

# Error table 1 (register 124): number by `kind:panel code`, the kinds of rules-and-faults.md.
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
        "delta_t:PP": 38,
        "comm_internal:H0": 39,
        "comm_internal:H1": 40,
        "sensor:H2": 41,
        "sensor:H3": 42,
        "sensor:H5": 44,
        "fan:H6": 45,
        "voltage:H7": 46,
        "sensor:H8": 47,
        "sensor:H9": 48,
        "sensor:HA": 49,
        "comm_internal:Hd": 52,
        "comm_internal:HE": 53,
        "voltage:F1": 116,
        "phase:L7": 141,
    }
)
NUMBERS: Final[Mapping[int, str]] = MappingProxyType({number: code for code, number in ERRORS.items()})

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
    ("setpoint_c", 11),
)
_QUANTITIES: Final = (
    Quantity("compressor_hz", 100, 1.0),
    Quantity("fan_rpm", 102, 1.0),
    Quantity("exv_steps", 103, 1.0),
    Quantity("high_bar", 116, 0.01),
    Quantity("low_bar", 117, 0.01),
    Quantity("current_a", 118, 1.0),  # whole amperes, as the protocol says: the live 870 W at 223 V show 3
    Quantity("voltage_v", 119, 1.0),
    Quantity("flow_lpm", 138, LITRES_A_MINUTE),
    Quantity("frequency_limit", 139, 1.0),
    Quantity("energy_kwh", 143, 0.01, words=2),
    Quantity("heat_kwh", 145, 0.01, words=2),
    Quantity("heat_w", 148, 10.0),
    Quantity("power_w", 150, 10.0),
)
_LOADS: Final = {"aux_heater": 0, "pump": 3}  # bits of register 129
# Live values of the sample unit that no simulated quantity stands behind; only 232, the coldest air it heats in, is set
# as the subsidy's conditions ask (requirements.md R2) and not as found.
_PARAMETERS: Final = dict(
    enumerate((6425, 1285, 14135, 6425, 60, 34, 70, 20, 5, 0, 0, 10, 10, 0, 46, -10, 30, 5, 5, 65, 210, 15), start=201)
) | dict(enumerate((10, 2, 52, 10, 5, 6, 2, 25, -25, -5, 5, 30, 0, -5, 5, 0, 30, 90, 30, 25, 17, 25, 25), start=224))
_SETTINGS: Final = (Setting("room_target_c", 3, 0.5, 17.0, 30.0), Setting("switched_on", 16, 1.0, 0.0, 1.0))
_ANSWERED: Final = (range(23), range(100, 200), range(200, 291))


class MideaMThermal:
    """The wired controller's register table; `tenths` is bit 8 of register 189, the resolution switch."""

    profile: Final = "midea-mthermal"
    supply_address: Final = 110
    fault_codes: Final = tuple(ERRORS)

    def __init__(self, tenths: bool = True) -> None:
        self._tenths = tenths
        step, missing = (0.1, 0x7FFF) if tenths else (1.0, 0x7F)
        self._temperatures = [
            Quantity(point, address, step, signed=True, missing=missing) for point, address in _TEMPERATURES
        ]
        self._settings = (*_SETTINGS, Setting("setpoint_c", 11, step, 25.0, 60.0))

    def image(self, reading: UnitReading) -> Image:
        """See RegisterMap. Register 124 holds one error at a time: the first."""
        image = Words()
        image.words.update(_PARAMETERS)
        image.words.update(self._absent())
        image.measure(self._temperatures, reading)
        image.measure(_QUANTITIES, reading)
        image.bits(129, _LOADS, reading)
        faults = reading.faults[:1]
        image.words.update(_status(reading, image))
        image.words[124] = ERRORS[faults[0]] if faults else 0
        image.words[189] = _TENTHS_BIT if self._tenths else 0
        return Image(image.words, reading.state, faults, image.values)

    def _absent(self) -> dict[int, int]:
        """Sensors this unit was built without, as the live dump shows them."""
        twenty_five = 250 if self._tenths else 25
        return {
            111: twenty_five,
            120: 255,
            121: 255,
            136: 255,
            137: 255,
            141: 255,
            191: 0xFFFF,
            193: 0x7FFF,
            194: 0x7FFF,
        }

    def check_read(self, address: int, count: int) -> None:
        """See RegisterMap: exception 2 outside the tables, in the gap 23–99, and for bulk reads of 200–290."""
        wanted = range(address, address + count)
        inside = any(wanted.start >= table.start and wanted.stop <= table.stop for table in _ANSWERED)
        bulk = count > 1 and wanted.stop > 200
        if not inside or bulk or count > LARGEST_READ:
            raise RefusedError(ILLEGAL_ADDRESS)

    def settings_written(self, address: int, words: Sequence[int]) -> dict[str, float]:
        """See RegisterMap: set-points and power; everything else is refused with exception 2."""
        return settings_asked(self._settings, address, words)


def _status(reading: UnitReading, image: Words) -> dict[int, int]:
    """Modes, status bits, identification and the figures derived from the measured ones."""
    on = reading.state != "off"
    running = reading.state in ("heating", "defrost")
    heat, power = reading.values.get("heat_w", 0.0), reading.values.get("power_w", 0.0)
    total_heat, total_power = reading.values.get("heat_kwh", 0.0), reading.values.get("energy_kwh", 0.0)
    return {
        0: 0b11 if on else 0,
        1: HEAT,
        3: round(reading.room_target_c * 2),
        16: int(on),
        17: int(on),
        101: HEAT if running else 0,
        128: int(reading.state == "defrost") << 1 | 1 << 4,
        129: image.words.get(129, 0) | int(bool(reading.faults)) << 12,
        132: image.words.get(100, 0),
        134: round(reading.values.get("voltage_v", 0.0) * 1.66 / 10.0),  # 223 V give 370 V, physics.md §20.2
        151: max(round(100 * heat / power), 0) if power > 0 else 0,
        164: round(100 * total_heat / total_power) if total_power > 0 else 0,
        187: _PROTOCOL,
        190: _R290_A,
        199: HEAT if running else 0,
    }
