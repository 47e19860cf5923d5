"""The limits of the system under test: the numbers of its rules, and its time to react (ms)."""

from dataclasses import dataclass

from wire.units import HOUR_MS, SECOND_MS


@dataclass(frozen=True, slots=True)
class VerificationLimits:
    """The limits; defaults are those of contract §11 and of the shipped rules.

    The room must reach 18 °C, with an on-delay of 60 min and a deadband up to 18.5 °C.
    """

    low_room_c: float = 18.0
    low_room_deadband_k: float = 0.5
    low_room_on_delay_ms: int = HOUR_MS
    fault_off_readings: int = 2
    grace_ms: int = 15 * SECOND_MS
    offline_grace_ms: int = 30 * SECOND_MS
    device_offline_ms: int = 90 * SECOND_MS
    gateway_offline_ms: int = 90 * SECOND_MS
    last_will_ms: int = 15 * SECOND_MS
    defrost_share: float = 0.10
