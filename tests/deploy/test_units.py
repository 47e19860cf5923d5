"""The systemd units and the package recipe say what the programs keep."""

import subprocess
from pathlib import Path

import pytest

from gateway_agent.profile.schema import ReadLimits

DEPLOY = Path(__file__).parents[2] / "deploy"


def keys_of(name: str) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for line in (
        (DEPLOY / "systemd" / f"hearthwatch-{name}.service")
        .read_text(encoding="utf-8")
        .splitlines()
    ):
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            keys.setdefault(key, []).append(value)
    return keys


@pytest.mark.parametrize("name", ["gateway", "server"])
def test_services_run_as_their_own_user_and_can_write_only_their_state(name: str) -> None:
    keys = keys_of(name)
    for key, value in {
        "User": "hearthwatch",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "CapabilityBoundingSet": "",
        "StateDirectory": "hearthwatch",
        "RestartPreventExitStatus": "2",
    }.items():
        assert keys[key] == [value], key


def test_the_gateway_is_watched_and_reloaded() -> None:
    keys = keys_of("gateway")
    assert keys["Type"] == ["notify"]
    assert keys["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    fields = ReadLimits.model_fields
    longest = {
        name: next(m.le for m in fields[name].metadata if hasattr(m, "le"))
        for name in ("timeout_ms", "pacing_ms")
    }
    two_tries_s = 2 * sum(longest.values()) / 1_000
    assert float(keys["WatchdogSec"][0]) / 2 > two_tries_s, (
        "the slowest exchange that is allowed is no hang"
    )


@pytest.mark.parametrize("script", ["build.sh", "postinst", "prerm"])
def test_the_package_scripts_are_sound_shell(script: str) -> None:
    subprocess.run(["sh", "-n", str(DEPLOY / "deb" / script)], check=True)
