"""Dispatches the effects of the outbox to their channels, in order, until each is confirmed."""

from collections.abc import Mapping
from typing import Final

import structlog
from sqlalchemy import Engine

from alerts import metrics
from alerts.feed.channel import Channel, EffectRefused, Retry, Sent
from alerts.write_in_parts import is_of_content
from configuration.set_aside_log import UNPROCESSABLE, SetAsideLog
from desk.database.engine import reading, writing
from desk.database.outbox import due_effects, forget_effects
from desk.database.tables import OutboxRow

_log = structlog.get_logger()

_BATCH: Final = 200
# More than this unconfirmed means that a receiver does not keep up; the rest waits in the database.
_MAX_UNCONFIRMED: Final = 1_000


class Outbox:
    """Sends each effect by the channel of its kind and forgets it once it is confirmed."""

    def __init__(self, database: Engine, channels: Mapping[str, Channel]) -> None:
        """`channels` by the kind of effect that each sends."""
        self._database = database
        self._channels = channels
        self._set_aside_log = SetAsideLog(_log)
        self._taken = 0
        self._effect_of: dict[int, int] = {}
        self._unconfirmed: dict[int, int] = {}
        self._done: list[int] = []

    def pump(self) -> None:
        """Send what is due, as far as the receivers keep up; forget what is confirmed."""
        while len(self._unconfirmed) < _MAX_UNCONFIRMED and self._send_batch():
            pass
        if self._done:
            with writing(self._database) as session:
                forget_effects(session, self._done)
            metrics.PUBLISHED.inc(len(self._done))
            self._done = []

    def confirm(self, receipt: int) -> None:
        """The receiver confirmed the message of `receipt`."""
        effect = self._effect_of.pop(receipt, None)
        if effect is None:
            return
        self._unconfirmed[effect] -= 1
        if self._unconfirmed[effect] == 0:
            del self._unconfirmed[effect]
            self._done.append(effect)

    def _send_batch(self) -> bool:
        """Send the next effects; whether there may be more that can be sent now."""
        with reading(self._database) as session:
            rows = due_effects(session, self._taken, _BATCH)
            session.expunge_all()
        return bool(rows) and all(self._send(row) for row in rows)

    def _send(self, row: OutboxRow) -> bool:
        """Send one effect; False where it stays due."""
        match self._answer(row):
            case Retry():
                return False
            case Sent(receipts) if receipts:
                self._unconfirmed[row.id] = len(receipts)
                self._effect_of |= dict.fromkeys(receipts, row.id)
            case Sent():
                self._done.append(row.id)
            case EffectRefused(reason):
                _log.error("effect_refused", kind=row.kind, effect=row.id, reason=reason)
                self._done.append(row.id)
        self._taken = row.id
        return True

    def _answer(self, row: OutboxRow) -> Sent | Retry | EffectRefused:
        """What the channel says of an effect; one that makes the channel fail is refused."""
        channel = self._channels.get(row.kind)
        if channel is None:
            return EffectRefused("no_channel")
        try:
            return channel.send(row.payload)
        except Exception as error:
            if not is_of_content(error):
                raise
            metrics.reject(UNPROCESSABLE)
            self._set_aside_log.note("publish", f"{row.kind} {row.id}", error)
            return EffectRefused(UNPROCESSABLE)
