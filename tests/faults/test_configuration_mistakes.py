"""A configuration full of mistakes: one start names all of them, and the mended file runs."""

import subprocess
import sys
from pathlib import Path

import pytest

GATEWAY = """\
district = "Mentougou!"
town = "t"
village = "v"
gateway = "g"
[mqtt]
url = "mqtt://broker:99999"
[journal]
path = "journal.db"
max_mb = 0
[[bus]]
url = "tcp://10.0.0.1:502"
device = [
  { id = "a", address = 1, profile = "midea-mterm" },
  { id = "b", address = 2, profile = "own.toml" },
]
"""
PROFILE = 'profile = "own"\ntitle = "own"\nsource = "none"\ncolour = 1\n'
SERVER = """\
[mqtt]
keepalive_s = 1
[http]
listen = "everywhere"
[rules]
files = ["config/rules/*.toml", "rule.toml"]
override.low_roomtemperature.limit = 16
override.low_room_temperature.limt = 16
"""
RULE = '[[rule]]\nid = "mine"\nkind = "low_limits"\n'


def _stderr(folder: Path, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "hearthwatch", *arguments]
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2, ended.stderr
    return ended.stderr.splitlines()


@pytest.mark.fault("11.A12")
def test_one_start_names_every_mistake_of_every_file(
    tmp_path: Path, fault_record: dict[str, float]
) -> None:
    texts = {"gateway": GATEWAY, "own": PROFILE, "server": SERVER, "rule": RULE}
    for name, text in texts.items():
        (tmp_path / f"{name}.toml").write_text(text)
    expected = {
        ("gateway", "run"): {
            "gateway.toml: district: ",
            "gateway.toml: mqtt.url: ",
            "gateway.toml: journal.max_mb: must be a whole number from 1 to 65536, not 0",
            "bus[0].device[0].profile: no profile is called 'midea-mterm'; did you mean 'midea-",
            "own.toml: colour: unknown key",
            "own.toml: read: is missing; write a table",
        },
        ("server", "run"): {
            "server.toml: mqtt.keepalive_s: must be a whole number from 5 to 1200, not 1",
            "server.toml: http.listen: ",
            "low_roomtemperature: no such rule; did you mean 'low_room_temperature'?",
            "rules.override.low_room_temperature.limt: unknown key; did you mean 'limit'?",
            "rule.toml: rule[0].kind: ",
        },
    }
    for arguments, parts in expected.items():
        lines = _stderr(tmp_path, *arguments)
        fault_record["trials"] += 1
        missing = {part for part in parts if not any(part in line for line in lines)}
        fault_record["missed"] += len(missing)
        assert not missing, lines
        assert len(lines) >= len(parts)
        assert all(line.startswith("hearthwatch: ") for line in lines)
