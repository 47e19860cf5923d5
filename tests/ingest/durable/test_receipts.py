"""What the ledger loads makes the register that committed it; by hypothesis over whole
histories."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.durable.dead_letter_file import Position
from ingest.durable.receipts import Ledger
from ingest.reception.device_registry import Register
from ingest.reception.tally import Tallies
from ingest.reception.validation import Judge
from tests.ingest.harness import reading, telemetry
from wire.encode import encode_status
from wire.messages import AnnouncedDevice, Status
from wire.topics import GatewayPath, gateway_topic

NOW = 1_763_740_012_345
PLACES = [GatewayPath("d", "t", "v", gateway) for gateway in ("g-1", "g-2")]
DEVICES = ["pump-1", "pump-2", "pump-3"]

places, epochs, devices = (
    st.sampled_from(PLACES),
    st.sampled_from(["e1", "e2"]),
    st.sampled_from(DEVICES),
)
births = st.tuples(st.just("birth"), places, epochs, st.sets(devices))
messages = st.tuples(st.just("telemetry"), places, epochs, st.integers(1, 8), devices)
histories = st.lists(
    st.one_of(births, messages, st.just(("garbage",)), st.just(("restart",))), max_size=40
)


def feed(judge: Judge, number: int, event: tuple) -> object:  # type: ignore[type-arg]
    if event[0] == "garbage":
        return judge.judge(gateway_topic("telemetry", PLACES[0]), b"garbage", NOW, again=True)
    kind, place, epoch, *rest = event
    if kind == "birth":
        devices = [AnnouncedDevice(device, "p", "b", 1) for device in sorted(rest[0])]
        payload = encode_status(Status(True, NOW, epoch, "0", 30, devices))
        return judge.judge(gateway_topic("status", place), payload, NOW)
    payload = telemetry(rest[0], [reading(rest[1], NOW + number)], epoch=epoch)
    return judge.judge(gateway_topic("telemetry", place), payload, NOW, again=True)


@settings(max_examples=40, deadline=None)
@given(histories)
def test_restarts_change_no_verdict(history: list[tuple]) -> None:  # type: ignore[type-arg]
    straight = Judge(Register())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ingest.db"
        ledger = Ledger(path)
        register = Register()
        for number, event in enumerate(history):
            if event[0] == "restart":
                ledger.commit(register.take_changes(), Tallies(), Position(1, number))
                ledger.close()
                ledger = Ledger(path)
                remembered, position = ledger.load()
                assert position == Position(1, number)
                register = Register(remembered)
                continue
            assert feed(Judge(register), number, event) == feed(straight, number, event)
        ledger.close()
