"""PHNIX controllers: FoxAir, Kaisai KHX, Cooper&Hunter Ecopower (profile-phnix.md)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from simulators.registers.image import Image, Quantity, RefusedError, Setting, UnitReading, Words, settings_asked

PACKET: Final = 90
PACKETS: Final = (1001, 1091, 1181, 1271, 1361, 1451, 2001, 2091)
OPEN_SENSOR: Final = 0x7FFD
VALID_PACKET: Final = {2107: 0x5AA5}
_ON: Final = 2011
_STATUS: Final = 2012
_OUTPUTS: Final = 2019
_SWITCHES: Final = 2034
_HEATING: Final = 1
_DEFROSTING: Final = 2
_LITRES_A_MINUTE: Final = 1000.0 / 60.0 / 100.0  # register 2077 counts m³/h × 100

# Fault bits by kind (rules-and-faults.md): registers and bits; the first stands for the kind.
_FAULT_BITS: Final[Mapping[str, tuple[tuple[int, tuple[int, ...]], ...]]] = MappingProxyType(
    {
        "water_flow": ((2085, (8,)),),
        "high_pressure": ((2085, (4,)),),
        "low_pressure": ((2085, (6,)),),
        "phase": ((2081, (3,)),),
        "voltage": ((2081, (9, 7, 8)), (2082, (7,))),
        "overcurrent": ((2081, (2, 10)),),
        "inverter": ((2081, (0, 1, 4, 5, 6, 11)), (2082, (0, 1, 3, 6, 15)), (2083, (0, 1, 2, 4, 5))),
        "fan": ((2090, (11, 12, 13, 15)),),
        "sensor": ((2085, (2, 3, 14)), (2089, (0, 1, 2, 3, 4, 5, 9, 10, 11, 13)), (2090, (8,))),
        "comm_internal": ((2081, (12, 13, 14, 15)),),
        "freeze_protect": ((2085, (10, 11, 12)),),
        "delta_t": ((2086, (5,)),),
        "low_ambient_stop": ((2089, (14,)),),
        "lockout": ((2087, (4, 6, 8, 9, 12)), (2088, (2, 3, 4))),
    }
)
FAULTS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        f"{kind}:{register}.{bit}": (register, bit)
        for kind, registers in _FAULT_BITS.items()
        for register, bits in registers
        for bit in bits
    }
)

_TEMPERATURES: Final = (
    ("setpoint_c", 1158),
    ("setpoint_c", 2013),
    ("setpoint_c", 2014),
    ("return_c", 2045),
    ("supply_c", 2046),
    ("tank_c", 2047),
    ("outdoor_c", 2048),
    ("coil_c", 2049),
    ("suction_c", 2051),
    ("discharge_c", 2053),
    ("room_c", 2058),
)
_QUANTITIES: Final = (
    *(Quantity(point, address, 0.1, signed=True, missing=OPEN_SENSOR) for point, address in _TEMPERATURES),
    Quantity("exv_steps", 2020, 1.0),
    Quantity("current_a", 2029, 0.1),
    Quantity("current_a", 2042, 0.1),
    Quantity("power_w", 2054, 100.0),
    Quantity("heat_w", 2059, 100.0),
    Quantity("voltage_v", 2062, 1.0),
    Quantity("low_bar", 2069, 0.1),
    Quantity("compressor_hz", 2071, 1.0),
    Quantity("compressor_hz", 2072, 1.0),
    Quantity("fan_rpm", 2074, 1.0),
    Quantity("flow_lpm", 2077, _LITRES_A_MINUTE),
    Quantity("energy_kwh", 2078, 1.0, words=2),
    Quantity("energy_kwh", 2118, 1.0, words=2),  # heating's own counters, two registers apart: 32 bits each
    Quantity("heat_kwh", 2120, 1.0, words=2),
)
_LOADS: Final = {"pump": 4, "four_way": 6, "aux_heater": 7}  # bits of register 2019
_SETTINGS: Final = (
    Setting("setpoint_c", 1158, 0.1, 15.0, 64.0),
    Setting("room_target_c", 1239, 0.1, 5.0, 30.0),
    Setting("switched_on", 1011, 1.0, 0.0, 1.0),
)
# Factory values of the defrost parameters and of the control block (profile-phnix.md), but 75 instead of 26 min of
# heating before a defrost, so that the settings keep to a tenth of defrosting (requirements.md R6).
_PARAMETERS: Final = {
    1012: 1,
    1037: -250,
    1038: 40,
    1040: 1100,
    1105: 125,
    1106: 75,
    1111: 5,
    1116: 230,
    1117: 10,
    1118: 120,
    1122: 130,
    1124: 8,
    1125: 70,
    1126: 1,
    1130: 70,
    1164: 150,
    1165: 640,
}


class Phnix:
    """The register packets of the LTE/WiFi port: 90 registers each, all of them or a part read at once."""

    profile: Final = "phnix"
    supply_address: Final = 2046
    fault_codes: Final = tuple(FAULTS)

    def image(self, reading: UnitReading) -> Image:
        """See RegisterMap; every active fault has its bit."""
        image = Words()
        image.words.update(_PARAMETERS | VALID_PACKET)
        image.measure(_QUANTITIES, reading)
        image.bits(_OUTPUTS, _LOADS, reading)
        for code in reading.faults:
            register, bit = FAULTS[code]
            image.words[register] = image.words.get(register, 0) | 1 << bit
        image.words.update(_status(reading, image.words.get(_OUTPUTS, 0)))
        return Image(image.words, reading.state, reading.faults, image.values)

    def check_read(self, address: int, count: int) -> None:
        """See RegisterMap: a read inside the packets and no longer than one is answered, anything else is not."""
        wanted = range(address, address + count)
        known = all(any(a in range(first, first + PACKET) for first in PACKETS) for a in (wanted[0], wanted[-1]))
        if not known or count > PACKET or (wanted[0] < 2000) != (wanted[-1] < 2000):
            raise RefusedError(None)

    def settings_written(self, address: int, words: Sequence[int]) -> dict[str, float]:
        """See RegisterMap: set-points and power; everything else is refused with exception 2."""
        return settings_asked(_SETTINGS, address, words)


def _status(reading: UnitReading, outputs: int) -> dict[int, int]:
    """Mode, outputs and switches; the compressor bit is what tells heating from standing by."""
    on = int(reading.state != "off")
    running = int(reading.state in ("heating", "defrost"))
    fan = int(reading.values.get("fan_rpm", 0.0) > 0.0)
    power, heat = reading.values.get("power_w", 0.0), reading.values.get("heat_w", 0.0)
    return {
        1011: on,
        1239: round(reading.room_target_c * 10),
        _ON: on,
        _STATUS: _DEFROSTING if reading.state == "defrost" else _HEATING,
        _OUTPUTS: outputs | running | fan << 2 | int(bool(reading.faults)) << 10 | running << 13,
        _SWITCHES: int(reading.values.get("flow_lpm", 0.0) > 0.0) << 2,
        2060: max(round(100 * heat / power), 0) if power > 0.0 else 0,
        2073: 90,
    }
