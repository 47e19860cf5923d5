"""`hearthwatch watch`: the language follows the locale, and every message is one line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hearthwatch.tables.alert_feed import AlertFeed, Language, locale_language
from tests.deploy.shipped_brokers import ShippedMosquitto

SHANGHAI = ZoneInfo("Asia/Shanghai")
TOPIC = "hw/v1/alert/mentougou/zhaitang/matao/mtg-mt-0001/fault/high-pressure-p1"
ALERT: dict[str, Any] = {
    "v": 1,
    "id": "A-1",
    "rule": "fault",
    "district": "mentougou",
    "town": "zhaitang",
    "subject": "mtg-mt-0001",
    "village": "matao",
    "priority": "urgent",
    "state": "active",
    "code": "high_pressure:P1",
    "onset": 1_763_740_812_000,
    "raised_at": 1_763_740_812_000,
    "children": 0,
    "text": {"zh": "高压保护", "en": "High pressure"},
}


def line(language: Language, **changes: Any) -> str:
    feed = AlertFeed(language, SHANGHAI, as_json=False)
    return feed.line(TOPIC, json.dumps(ALERT | changes).encode())


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LC_ALL": "zh_TW.UTF-8", "LANG": "en_GB.UTF-8"}, "zh"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "zh_CN", "LANG": "de_DE"}, "zh"),
        ({"LANG": "C"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_follows_the_locale(environment: dict[str, str], language: str) -> None:
    assert locale_language(environment) == language


def test_a_line_is_in_one_language() -> None:
    chinese, english = line("zh"), line("en")
    assert "紧急 告警中 matao mtg-mt-0001 fault high_pressure:P1  高压保护" in chinese
    assert "urgent" not in chinese
    assert "urgent active  matao mtg-mt-0001 fault high_pressure:P1  High pressure" in english
    assert "高压保护" not in english


def test_times_are_those_of_the_district_and_of_the_last_change() -> None:
    assert line("en").startswith("00:00:12 ")
    cleared = line("zh", state="cleared", cleared_at=ALERT["raised_at"] + 60_000)
    assert cleared.startswith("00:01:12 ")
    assert "已恢复" in cleared


def test_a_message_cannot_steer_the_terminal() -> None:
    steering = line("en", text={"en": "\x1b[2J"})
    assert "\x1b[2J" not in steering


def test_any_other_message_is_shown_with_its_topic() -> None:
    feed = AlertFeed("en", SHANGHAI, as_json=False)
    assert feed.line("hw/v1/status/a", b'{"online": true}') == 'hw/v1/status/a {"online": true}'
    assert feed.line(TOPIC, b"") == f"{TOPIC} (removed)"


def test_json_holds_topic_and_payload() -> None:
    feed = AlertFeed("en", SHANGHAI, as_json=True)
    assert json.loads(feed.line("t", b'{"a": 1}')) == {"topic": "t", "payload": {"a": 1}}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_feed_of_which_nothing_may_be_read_says_so(language: str, tmp_path: Path) -> None:
    shipped = ShippedMosquitto()  # grants every subscription, and sends nothing that is not allowed
    shipped.start()
    try:
        settings = shipped.settings("watch")
        config = tmp_path / "watch.toml"
        config.write_text(
            f'[mqtt]\nurl = "{settings.url}"\nca = "{settings.ca}"\nusername = "watch"\n'
            f'password_file = "{settings.password_file}"\nroot = "hw/v2"\n'
        )
        words = ["watch", "--config", str(config), "--language", language]
        line = [sys.executable, "-m", "hearthwatch", *words]
        with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as watching:
            assert watching.stderr is not None
            said = watching.stderr.readline()
            watching.terminate()
    finally:
        shipped.stop()
    assert ("无权读取" if language == "zh" else "may not read") in said
