"""Held readings: good ones whose device belongs to another gateway until somebody decides. Pure."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from wire.messages import Reading
from wire.topics import GatewayPath

MOST_HELD: Final = 1_000_000
"""Held readings of a gateway: eleven days of thirty units; later ones are dead letters."""


class Holding(NamedTuple):
    """Whose readings are held: those of `device` that `gateway` sent."""

    device: str
    gateway: GatewayPath


@dataclass(frozen=True, slots=True)
class HeldReading:
    """A reading of message `seq` of `epoch`; `number` is that of its row once it is committed."""

    gateway: GatewayPath
    epoch: str
    seq: int
    reading: Reading
    number: int | None = None

    @property
    def holding(self) -> Holding:
        """Return whose reading this is."""
        return Holding(self.reading.device, self.gateway)
