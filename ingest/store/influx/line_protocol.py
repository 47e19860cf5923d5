"""Readings to InfluxDB line protocol (contract §5): `heat_pump,tags fields time`, time in ms.

Tags are escaped once per gateway; the rest is one formatted string per reading.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from ingest.store.model import StoredReading
from wire.topics import GatewayPath

MEASUREMENT: Final = "heat_pump"

# A JSON object of numbers differs from fields only in its quotes and colons, which our point names
# do not contain. msgspec writes it in half the time of formatting in Python.
_encode = msgspec.json.Encoder().encode
_TO_FIELDS: Final = bytes.maketrans(b":", b"=")

_IN_TAG = re.compile(r"[,= \\]")


class LineEncoder:
    """Encodes readings; keeps the escaped beginning of each gateway's lines."""

    def __init__(self) -> None:
        self._gateways: dict[GatewayPath, str] = {}
        # The readings of a message are neighbours, and a comparison is faster than a look-up.
        self._gateway: GatewayPath | None = None
        self._beginning = ""

    def line(self, stored: StoredReading) -> str:
        """Return one line, without its newline. A good reading has no field `bad`."""
        reading = stored.reading
        fields = _encode(reading.values)[1:-1].translate(_TO_FIELDS, b'"').decode()
        comma = "," if fields else ""
        faults = quoted(",".join(reading.faults)) if reading.faults else '""'
        bad = f",bad={quoted(','.join(reading.bad))}" if reading.bad else ""
        return (
            f"{self._prefix(stored.gateway, reading.device)} {fields}{comma}"
            f"state={quoted(reading.state)},faults={faults},epoch={quoted(stored.epoch)},"
            f"seq={stored.seq}i{bad} {reading.at}"
        )

    def lines(self, readings: Iterable[StoredReading]) -> list[str]:
        """Return a line for each reading, in order."""
        return [self.line(stored) for stored in readings]

    def _prefix(self, gateway: GatewayPath, device: str) -> str:
        if gateway is not self._gateway:
            self._gateway, self._beginning = (
                gateway,
                self._gateways.get(gateway) or self._begin(gateway),
            )
        return self._beginning + (_escaped(device) if _IN_TAG.search(device) else device)

    def _begin(self, gateway: GatewayPath) -> str:
        self._gateways[gateway] = beginning = series(gateway, "")
        return beginning


def series(gateway: GatewayPath, device: str) -> str:
    """Return measurement and tags, escaped, in the order of the contract."""
    tags = (
        ("district", gateway.district),
        ("town", gateway.town),
        ("village", gateway.village),
        ("gateway", gateway.gateway),
        ("device", device),
    )
    return tagged(MEASUREMENT, tags)


def tagged(measurement: str, tags: Iterable[tuple[str, str]]) -> str:
    """Return the beginning of a line: the measurement and `tags` with escaped values."""
    return ",".join([measurement, *(f"{name}={_escaped(value)}" for name, value in tags)])


def quoted(text: str) -> str:
    """Return `text` as the value of a string field."""
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def body(lines: Sequence[str]) -> bytes:
    """A request body."""
    return "\n".join(lines).encode()


def _escaped(value: str) -> str:
    return _IN_TAG.sub(lambda match: "\\" + match[0], value)
