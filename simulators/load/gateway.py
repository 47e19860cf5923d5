"""One simulated gateway on the bus: birth, last will, telemetry, watermarks. The only importer of
aiomqtt here."""

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
LOOK_EVERY_S: Final = 5.0  # how often what has waited too long is looked for
RETRY_S: Final = (1.0, 20.0)  # first and longest wait before the next attempt to connect
KEEPALIVE_S: Final = 60
UNANSWERED_S: Final = (
    30.0  # a broker that does not acknowledge a publish for so long is taken as lost
)
CANCEL_AGAIN_S: Final = 0.5
SOFTWARE: Final = "simulated fleet"


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to get in; at most as many handshakes at once as `handshakes`
    lets through."""

    host: str
    port: int
    handshakes: asyncio.Semaphore
    username: str | None = None
    password: str | None = None
    root: str = DEFAULT_ROOT


class SimulatedGateway:
    """A gateway that polls nothing: readings are given to it, and it gets them to the store or says
    what it lost."""

    def __init__(
        self,
        place: GatewayPath,
        devices: Sequence[AnnouncedDevice],
        journal: SimulatedJournal,
        interval_s: float,
        counts: Counts,
    ) -> None:
        self._place = place
        self._devices = list(devices)
        self._journal = journal
        self._interval_s = interval_s
        self._counts = counts
        self._news = asyncio.Event()

    def offer(self, readings: Sequence[Reading]) -> None:
        """Put one poll into the journal and wake the sender."""
        before = self._journal.lost_readings
        self._journal.append(readings, wall_clock_ms())
        self._counts.readings += len(readings)
        self._counts.lost += self._journal.lost_readings - before
        self._news.set()

    async def run(self, broker: Broker, seconds_between_drops: float | None, seed: int) -> None:
        """Stay connected until cancelled; with `seconds_between_drops` (mean) the line is cut now
        and then."""
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
            identifier=f"load-{self._place.gateway}",
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
            asyncio.create_task(self._hear(client)),
            asyncio.create_task(self._speak(client, broker)),
        ]
        lasts = (
            None
            if seconds_between_drops is None
            else chance.expovariate(1.0 / seconds_between_drops)
        )
        try:
            done, _ = await asyncio.wait(tasks, timeout=lasts, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end(tasks)

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = message.payload
            if isinstance(payload, bytes):
                self._counts.acknowledged += self._covered_by(payload)

    def _covered_by(self, payload: bytes) -> int:
        try:
            return self._journal.acknowledge(decode_ack(payload), _steady_ms())
        except PayloadError:
            return 0

    async def _speak(self, client: aiomqtt.Client, broker: Broker) -> None:
        topic = self._topic("telemetry", broker)
        while True:
            self._news.clear()
            for message in self._journal.due(_steady_ms(), RESEND_AFTER_MS):
                await client.publish(topic, message.payload, qos=1)
                self._count_sent(message)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._news.wait()

    def _count_sent(self, message: SimulatedMessage) -> None:
        self._counts.messages_sent += 1
        self._counts.messages_resent += message.times_sent > 0
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
        return gateway_topic(kind, self._place, broker.root)


def _steady_ms() -> int:
    return monotonic_ns() // 1_000_000


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel `tasks` until all of them have ended.

    Once is not enough: before Python 3.12 `asyncio.wait_for`, which the MQTT client uses, swallows
    a cancellation that comes together with what it waits for.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        ended, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_S)
        for task in ended:
            if not task.cancelled():
                task.exception()  # a connection that broke meanwhile is no news
