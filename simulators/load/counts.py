"""What a load run did, counted over all its gateways."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counts:
    """Readings made, covered by a watermark and lost to full journals; messages sent, and sent
    again; connections."""

    readings: int = 0
    acknowledged: int = 0
    lost: int = 0
    messages_sent: int = 0
    messages_resent: int = 0
    connections: int = 0
    connected: int = 0
    waiting: int = 0

    def document(self) -> dict[str, int]:
        """The counts by name, as they are printed."""
        return asdict(self)
