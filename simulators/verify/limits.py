"""What the system under test was told: the numbers of its rules, and how long it may take
(milliseconds)."""

from dataclasses import dataclass

from wire.units import HOUR_MS


@dataclass(frozen=True, slots=True)
class VerificationLimits:
    """Defaults are those of contract §11 and of the shipped rules (room ≥ 18 °C for 60 min,
    hysteresis 18.5)."""

    low_room_c: float = 18.0
    low_room_deadband_k: float = 0.5
    low_room_on_delay_ms: int = HOUR_MS
    fault_off_readings: int = 2
    grace_ms: int = 15_000
    offline_grace_ms: int = 30_000
    device_offline_ms: int = 90_000
    gateway_offline_ms: int = 90_000
    last_will_ms: int = 15_000
    defrost_share: float = 0.10
