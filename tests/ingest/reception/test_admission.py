"""The list of devices, and the settings that name it."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from configuration.load import ConfigurationError
from ingest.reception.admission import DeviceList, read_admission
from ingest.settings import IngestSettings
from wire.clocks import EARLIEST_MS
from wire.units import HOUR_MS

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOVEMBER_2025 = 1_761_926_400_000  # 2025-11-01T00:00:00+08:00


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "devices.csv"


def test_dates_are_local_and_may_be_missing(path: Path) -> None:
    path.write_text(
        "household,device,commissioned\n"
        "h1,pump-1,2025-11-01\nh2,pump-2,\nh3,pump-3,2025-10-31T16:00:00+00:00\nh4,pump-4,1999-01-01\n",
        encoding="utf-8-sig",
    )
    admission = read_admission(path, registered_only=True, zone=SHANGHAI)
    assert dict(admission.commissioned) == {
        "pump-1": NOVEMBER_2025,
        "pump-2": EARLIEST_MS,
        "pump-3": NOVEMBER_2025,
        "pump-4": EARLIEST_MS,
    }
    assert [admission.takes(device) for device in ("pump-1", "pump-9")] == [True, False]
    assert admission.earliest("pump-9") == EARLIEST_MS


def test_dates_are_those_of_the_district(path: Path) -> None:
    path.write_text("device,commissioned\npump-1,2025-11-01\n")
    admission = read_admission(path, registered_only=False, zone=ZoneInfo("Asia/Urumqi"))
    assert admission.earliest("pump-1") == NOVEMBER_2025 + 2 * HOUR_MS


def test_a_list_without_dates_is_enough(path: Path) -> None:
    path.write_text("device\npump-1\n")
    assert dict(read_admission(path, registered_only=False, zone=SHANGHAI).commissioned) == {
        "pump-1": EARLIEST_MS
    }


def test_a_list_may_name_the_gateway_of_a_device(path: Path) -> None:
    path.write_text("device,gateway\npump-1,mt-01\npump-2,\npump-3,d/t/v/mt-02\n")
    admission = read_admission(path, registered_only=False, zone=SHANGHAI)
    assert dict(admission.gateways) == {"pump-1": "mt-01", "pump-3": "d/t/v/mt-02"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("device,gateway\npump-1,a/b/c/d/e\n", "line 2: gateway: 'a/b/c/d/e' is no gateway"),
        ("", "the first line must name the columns device,commissioned"),
        ("name\npump-1\n", "the first line must name the columns device,commissioned"),
        ("device\nPump 1\n", "line 2: 'Pump 1' is not a device id"),
        ("device,commissioned\npump-1,soon\n", "line 2: commissioned: 'soon' is not a date"),
    ],
)
def test_every_mistake_is_named_with_its_line(path: Path, text: str, complaint: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=complaint):
        read_admission(path, registered_only=False, zone=SHANGHAI)


def test_a_changed_list_is_read_again_and_a_bad_one_is_not_used(path: Path) -> None:
    path.write_text("device\npump-1\n")
    listed = DeviceList(path, registered_only=True, zone=SHANGHAI)
    path.write_text("device\npump-1\npump-2\n")
    assert listed.current().takes("pump-2")
    path.write_text("device\nNot An Id, Half Written")
    assert listed.current().takes("pump-2")
    path.unlink()
    assert listed.current().takes("pump-2")
    path.write_text("device\npump-3\n")
    assert not listed.current().takes("pump-2")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"registered_only": True}, "registered_only needs registered"),
        ({"towns": ["zhaitang"]}, "needs a client_id"),
        ({"towns": ["zhaitang"], "topics": ["x"], "client_id": "west"}, "keep one"),
        ({"towns": ["Zhaitang"], "client_id": "west"}, "not an identifier"),
        ({"towns": [], "client_id": "west"}, "at least 1 item"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(
    given: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValidationError, match=complaint):
        IngestSettings.model_validate(given)


def test_towns_become_topic_filters() -> None:
    west = IngestSettings.model_validate({"towns": ["zhaitang", "qingshui"], "client_id": "west"})
    assert west.filters("hw/v1") == [
        "hw/v1/telemetry/+/zhaitang/#",
        "hw/v1/telemetry/+/qingshui/#",
        "hw/v1/status/+/zhaitang/#",
        "hw/v1/status/+/qingshui/#",
        "hw/v1/retired/+/zhaitang/#",
        "hw/v1/retired/+/qingshui/#",
        "hw/v1/assigned/#",
    ]
    kinds = ("telemetry", "status", "retired", "assigned")
    assert IngestSettings().filters("x") == [f"x/{kind}/#" for kind in kinds]
