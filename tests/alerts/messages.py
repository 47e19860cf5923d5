"""Messages of a gateway, as the broker would deliver them to the core."""

from zoneinfo import ZoneInfo

from alerts.core.model import BusMessage
from wire.encode import encode_status, encode_telemetry
from wire.messages import AnnouncedDevice, Status, Telemetry
from wire.topics import GatewayPath, gateway_topic

CHINA = ZoneInfo("Asia/Shanghai")


def status_message(gateway: GatewayPath, status: Status) -> BusMessage:
    return BusMessage(gateway_topic("status", gateway), encode_status(status))


def birth_message(gateway: GatewayPath, at: int, *devices: str) -> BusMessage:
    announced = [AnnouncedDevice(name, "midea-mthermal", "b", 1) for name in devices]
    return status_message(gateway, Status(True, at, "e", "test", 30.0, announced))


def telemetry_message(gateway: GatewayPath, telemetry: Telemetry) -> BusMessage:
    return BusMessage(gateway_topic("telemetry", gateway), encode_telemetry(telemetry))
