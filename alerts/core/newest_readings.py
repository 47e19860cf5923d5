"""The newest reading of each device, and which readings came late; pure."""

from collections.abc import Mapping, Sequence

from alerts.core.model import Span
from desk.ledger.known import LastHeard
from wire.intervals import Intervals
from wire.messages import Reading, Telemetry
from wire.topics import GatewayPath


class NewestReadings:
    """Collects `heard`, the newest readings, and `late`, the spans of older ones, until taken."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._received: dict[GatewayPath, tuple[str, Intervals]] = {}
        self._heard: dict[str, LastHeard] = {}
        self._late: dict[str, Span] = {}

    def learn(self, last_at: Mapping[str, int]) -> None:
        """Take over the newest event time (UTC ms) of each device from an earlier run."""
        self._at |= last_at

    def forget(self, device: str) -> None:
        """Let go of a device that has left."""
        self._at.pop(device, None)

    def is_new(self, gateway: GatewayPath, telemetry: Telemetry) -> bool:
        """Whether this message comes for the first time: one sent again is not late."""
        epoch, received = self._received.get(gateway, ("", Intervals()))
        if epoch != telemetry.epoch:
            received = Intervals()
        self._received[gateway] = (telemetry.epoch, received)
        return received.add(telemetry.seq, telemetry.seq) > 0

    def note_if_late(self, reading: Reading) -> None:
        """Widen the late span of the reading's device if a newer reading was evaluated before."""
        if reading.at < self._at.get(reading.device, -1):
            since, until = self._late.get(reading.device, (reading.at, reading.at))
            self._late[reading.device] = (min(since, reading.at), max(until, reading.at))

    def note_evaluated(self, readings: Sequence[Reading], now: int) -> None:
        """Remember which of `readings`, evaluated at server time `now`, are the newest."""
        for reading in readings:
            if self._at.get(reading.device, -1) < reading.at:
                self._at[reading.device] = reading.at
                self._heard[reading.device] = LastHeard(reading.at, now, reading.state)

    def take_heard(self) -> dict[str, LastHeard]:
        """The newest reading of each device that has a newer one than when last taken."""
        heard, self._heard = self._heard, {}
        return heard

    def take_late(self) -> dict[str, Span]:
        """By device, between which event times late readings came since last taken."""
        late, self._late = self._late, {}
        return late
