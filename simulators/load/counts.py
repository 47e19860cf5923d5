"""The counts of a load run, over all its gateways."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counts:
    """Counts of readings, messages and connections.

    `acknowledged` readings are covered by a watermark; `lost` ones fell out of full journals;
    `waiting` are the others.
    """

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
