"""What the receipts loads makes the register that committed it; by hypothesis over whole
histories."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.durable.dead_letter_file import FileEnd
from ingest.durable.receipts import Receipts
from ingest.reception.device_registry import DeviceRegistry
from ingest.reception.tally import Tallies
from ingest.reception.validation import Validator
from tests.ingest.harness import reading, telemetry
from wire.encode import encode_assignment, encode_retirement, encode_status
from wire.messages import AnnouncedDevice, DeviceAssignment, Retirement, Status
from wire.topics import GatewayPath, assigned_topic, gateway_topic

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
retirements = st.tuples(st.just("retired"), places, st.integers(1, 9), st.booleans())
assignments = st.tuples(
    st.just("assigned"), devices, st.integers(1, 9), st.none() | st.builds(str, places)
)
histories = st.lists(
    st.one_of(
        *(births, messages, retirements, assignments),
        *(st.just(("garbage",)), st.just(("restart",))),
    ),
    max_size=40,
)


def feed(validator: Validator, number: int, event: tuple) -> object:  # type: ignore[type-arg]
    if event[0] == "garbage":
        return validator.validate(
            gateway_topic("telemetry", PLACES[0]), b"garbage", NOW, again=True
        )
    if event[0] == "retired":
        payload = encode_retirement(Retirement(*event[2:]))
        return validator.validate(gateway_topic("retired", event[1]), payload, NOW)
    if event[0] == "assigned":
        payload = encode_assignment(DeviceAssignment(*event[2:]))
        return validator.validate(assigned_topic("d", event[1]), payload, NOW)
    kind, place, epoch, *rest = event
    if kind == "birth":
        devices = [AnnouncedDevice(device, "p", "b", 1) for device in sorted(rest[0])]
        payload = encode_status(Status(True, NOW, epoch, "0", 30, devices))
        return validator.validate(gateway_topic("status", place), payload, NOW)
    payload = telemetry(rest[0], [reading(rest[1], NOW + number)], epoch=epoch)
    return validator.validate(gateway_topic("telemetry", place), payload, NOW, again=True)


@settings(max_examples=40, deadline=None)
@given(histories)
def test_restarts_change_no_verdict(history: list[tuple]) -> None:  # type: ignore[type-arg]
    unbroken = DeviceRegistry()
    straight = Validator(unbroken)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ingest.db"
        receipts = Receipts(path)
        registry = DeviceRegistry()
        for number, event in enumerate(history):
            if event[0] == "restart":
                receipts.commit(registry.take_changes(), Tallies(), FileEnd(1, number))
                receipts.close()
                receipts = Receipts(path)
                remembered, position = receipts.load()
                assert position == FileEnd(1, number)
                registry = DeviceRegistry(remembered)
                continue
            assert feed(Validator(registry), number, event) == feed(straight, number, event)
            assert {*registry.releasable()} == {*unbroken.releasable()}
        receipts.close()
