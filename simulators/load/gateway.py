"""One simulated gateway on the bus: birth, last will, telemetry, watermarks.

No other module here imports aiomqtt.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic_ns
from typing import Final

import aiomqtt

from simulators.load.counts import Counts
from simulators.load.journal import SimulatedJournal, SimulatedMessage
from wire.decode import decode_ack
from wire.encode import encode_status
from wire.messages import AnnouncedDevice, Reading, Status
from wire.payload import PayloadError
from wire.topics import DEFAULT_ROOT, GatewayPath, GatewayTopic, gateway_topic
from wire.units import MINUTE_MS
from wire.wall_clock import wall_clock_ms

RESEND_AFTER_MS: Final = MINUTE_MS  # contract §11 "State"
_CHECK_EVERY_S: Final = 5.0  # interval of the search for messages to send again
RETRY_S: Final = (1.0, 20.0)  # first and longest wait before the next attempt to connect
KEEPALIVE_S: Final = 60
UNANSWERED_S: Final = (
    30.0  # the connection counts as lost if a publish is unacknowledged for longer
)
CANCEL_AGAIN_S: Final = 0.5
SOFTWARE: Final = "simulated fleet"


@dataclass(frozen=True, slots=True)
class Broker:
    """Address and credentials of the broker; `handshakes` limits simultaneous connects."""

    host: str
    port: int
    handshakes: asyncio.Semaphore
    username: str | None = None
    password: str | None = None
    root: str = DEFAULT_ROOT


class SimulatedGateway:
    """A gateway without a bus: it delivers the readings given to it, or reports their loss."""

    def __init__(
        self,
        gateway: GatewayPath,
        devices: Sequence[AnnouncedDevice],
        journal: SimulatedJournal,
        interval_s: float,
        counts: Counts,
    ) -> None:
        self._gateway = gateway
        self._devices = list(devices)
        self._journal = journal
        self._interval_s = interval_s
        self._counts = counts
        self._new_messages = asyncio.Event()

    def offer(self, readings: Sequence[Reading]) -> None:
        """Put the readings of one poll into the journal and wake the sender."""
        before = self._journal.lost_readings
        self._journal.append(readings, wall_clock_ms())
        self._counts.readings += len(readings)
        self._counts.lost += self._journal.lost_readings - before
        self._new_messages.set()

    async def run(self, broker: Broker, seconds_between_drops: float | None, seed: int) -> None:
        """Stay connected until cancelled; `seconds_between_drops` is the mean time between cuts."""
        chance = random.Random(seed)
        retry_s = RETRY_S[0]
        while True:
            try:
                async with self._session(broker) as client:
                    retry_s = RETRY_S[0]
                    await self._serve(client, broker, seconds_between_drops, chance)
            except (aiomqtt.MqttError, OSError):
                await asyncio.sleep(chance.uniform(0.5, 1.0) * retry_s)
                retry_s = min(2.0 * retry_s, RETRY_S[1])
            self._journal.connection_lost()

    @asynccontextmanager
    async def _session(self, broker: Broker) -> AsyncIterator[aiomqtt.Client]:
        async with AsyncExitStack() as stack:
            async with broker.handshakes:
                client = await stack.enter_async_context(self._client(broker))
            self._counts.connections += 1
            self._counts.connected += 1
            try:
                yield client
            finally:
                self._counts.connected -= 1

    def _client(self, broker: Broker) -> aiomqtt.Client:
        will = aiomqtt.Will(
            self._topic("status", broker), encode_status(Status(online=False)), qos=1, retain=True
        )
        return aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=f"load-{self._gateway.gateway}",
            clean_session=False,
            will=will,
            timeout=UNANSWERED_S,
            keepalive=KEEPALIVE_S,
        )

    async def _serve(
        self,
        client: aiomqtt.Client,
        broker: Broker,
        seconds_between_drops: float | None,
        chance: random.Random,
    ) -> None:
        await client.subscribe(self._topic("ack", broker), qos=1)
        await client.publish(self._topic("status", broker), self._birth(), qos=1, retain=True)
        tasks = [
            asyncio.create_task(self._receive_acks(client)),
            asyncio.create_task(self._send_telemetry(client, broker)),
        ]
        lasts_s = None
        if seconds_between_drops is not None:
            lasts_s = chance.expovariate(1.0 / seconds_between_drops)
        try:
            done, _ = await asyncio.wait(
                tasks, timeout=lasts_s, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
        finally:
            await end(tasks)

    async def _receive_acks(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = message.payload
            if isinstance(payload, bytes):
                self._counts.acknowledged += self._covered_by(payload)

    def _covered_by(self, payload: bytes) -> int:
        try:
            return self._journal.acknowledge(decode_ack(payload), _steady_ms())
        except PayloadError:
            return 0

    async def _send_telemetry(self, client: aiomqtt.Client, broker: Broker) -> None:
        topic = self._topic("telemetry", broker)
        while True:
            self._new_messages.clear()
            for message in self._journal.due(_steady_ms(), RESEND_AFTER_MS):
                await client.publish(topic, message.payload, qos=1)
                self._count_sent(message)
            with suppress(TimeoutError):
                async with asyncio.timeout(_CHECK_EVERY_S):
                    await self._new_messages.wait()

    def _count_sent(self, message: SimulatedMessage) -> None:
        self._counts.messages_sent += 1
        if message.times_sent > 0:
            self._counts.messages_resent += 1
        message.sent(_steady_ms())

    def _birth(self) -> bytes:
        return encode_status(
            Status(
                True,
                wall_clock_ms(),
                self._journal.epoch,
                SOFTWARE,
                self._interval_s,
                self._devices,
            )
        )

    def _topic(self, kind: GatewayTopic, broker: Broker) -> str:
        return gateway_topic(kind, self._gateway, broker.root)


def _steady_ms() -> int:
    return monotonic_ns() // 1_000_000  # ns to ms


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel `tasks` until all of them have ended.

    Once is not enough: before Python 3.12 `asyncio.wait_for`, which the MQTT client uses, swallows
    a cancellation that arrives together with its result.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        ended, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_S)
        for task in ended:
            if not task.cancelled():
                task.exception()  # ignore a connection that broke meanwhile
