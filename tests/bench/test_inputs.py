"""What the benchmarks measure with is good: their profiles and their telemetry."""

import tomllib
from pathlib import Path

import pytest

import bench
from bench.subscribers import _number
from bench.telemetry import DEVICES_PER_GATEWAY, messages
from gateway_agent.profile.loading import load_profile
from ingest.reception.device_registry import DeviceRegistry
from ingest.reception.validation import Validator
from wire.wall_clock import wall_clock_ms

FOLDER = Path(bench.__file__).parent
PROGRAMS = {"__main__", "plain_subscriber"}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.toml")), ids=lambda file: file.stem)
def test_every_profile_of_a_benchmark_is_a_good_one(file: Path) -> None:
    assert tomllib.loads(file.read_text())
    assert load_profile(file.stem, [FOLDER]).spans()


def test_the_telemetry_of_a_district_is_good() -> None:
    now = wall_clock_ms()
    validator = Validator(DeviceRegistry())
    sent = messages(2, now - 60_000, gateways=3)
    verdicts = [validator.validate(topic, payload, now) for topic, payload in sent]
    assert [len(verdict.readings) for verdict in verdicts] == [DEVICES_PER_GATEWAY] * 6
    assert not any(verdict.letters for verdict in verdicts)
    assert [_number(payload, b"seq") for _, payload in sent] == [1, 1, 1, 2, 2, 2]
