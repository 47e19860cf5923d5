"""What the bus delivers, sorted: readings to judge, gateways that come and go. Bad input is
counted, never fatal."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from alerts import metrics
from alerts.core.evaluation import Evaluation
from messaging.session import Delivery
from messaging.telemetry import decode_fitting
from wire.decode import UnreadableError, decode_status, decode_telemetry
from wire.messages import AnnouncedDevice, Reading, Status
from wire.payload import PayloadError
from wire.topics import GatewayPath, TopicError, parse_gateway_topic


@dataclass(frozen=True, slots=True)
class Birth:
    """A gateway came: its status message, and of the devices it listed those it owns."""

    place: GatewayPath
    status: Status
    owned: Sequence[AnnouncedDevice]


@dataclass(slots=True)
class Arrived:
    """What a batch of deliveries brought; births and last wills in the order they came."""

    readings: list[tuple[GatewayPath, Reading]] = field(default_factory=list)
    statuses: list[Birth | GatewayPath] = field(default_factory=list)


class Inbox:
    """Turns deliveries into calls of the evaluation; `arrived` is what is left to be judged and
    stored."""

    def __init__(self, evaluation: Evaluation, root: str) -> None:
        self._evaluation = evaluation
        self._root = root

    def take(self, deliveries: Sequence[Delivery], now: int) -> Arrived:
        """Sort a batch that arrived at server time `now` (UTC ms)."""
        arrived = Arrived()
        for delivery in deliveries:
            try:
                self._take(delivery, arrived, now)
            except (TopicError, UnreadableError) as error:
                metrics.reject(error.code)
            except PayloadError as error:
                metrics.reject(f"payload_invalid:{error.reason}")
        return arrived

    def _take(self, delivery: Delivery, arrived: Arrived, now: int) -> None:
        kind, place = parse_gateway_topic(delivery.topic, self._root)
        if kind == "telemetry":
            self._telemetry(place, delivery.payload, arrived, now)
        # An empty retained status message is how a gateway's status is removed from the broker; it
        # says nothing.
        elif kind == "status" and delivery.payload:
            self._status(place, delivery, arrived, now)

    def _telemetry(self, place: GatewayPath, payload: bytes, arrived: Arrived, now: int) -> None:
        decoded = decode_telemetry(payload, decode_fitting)
        for rejection in decoded.rejected:
            metrics.reject(rejection.code)
        if any(getattr(place, name) != claim for name, claim in decoded.claims.items()):
            metrics.reject("identity_mismatch")
            return
        heard = self._evaluation.hear(place, decoded.telemetry, now)
        for code in heard.rejected:
            metrics.reject(code)
        arrived.readings += heard.accepted

    def _status(self, place: GatewayPath, delivery: Delivery, arrived: Arrived, now: int) -> None:
        status = decode_status(delivery.payload)
        if not status.online:
            self._evaluation.died(place, now)
            arrived.statuses.append(place)
            return
        owned = set(self._evaluation.born(place, status, delivery.retained, now))
        arrived.statuses.append(
            Birth(place, status, [one for one in status.devices if one.device in owned])
        )
