"""The systemd units and the package recipe say what the programs keep."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway_agent.profile.schema import ReadLimits
from hearthwatch.base import errors
from tests.deploy.units import keys_of

DEPLOY = Path(__file__).parents[2] / "deploy"
SERVICES = ("gateway", "ingest", "alerts")
UNITS = sorted(path.name for path in (DEPLOY / "systemd").glob("hearthwatch-*"))


@pytest.mark.parametrize("name", SERVICES)
def test_services_run_as_their_own_user_and_can_write_only_their_state(name: str) -> None:
    keys = keys_of(f"{name}.service")
    for key, value in {
        "User": "hearthwatch",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "CapabilityBoundingSet": "",
        "StateDirectory": "hearthwatch",
    }.items():
        assert keys[key] == [value], key


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_new_start_cannot_mend_stays_failed(name: str) -> None:
    codes = {
        int(code) for code in keys_of(f"{name}.service")["RestartPreventExitStatus"][0].split()
    }
    # Nobody visits a gateway: it starts again after everything but a refused configuration.
    assert codes == {errors.WRONG_USAGE} | (set() if name == "gateway" else {errors.UNREACHABLE})


def test_the_target_takes_both_services() -> None:
    assert keys_of("server.target")["Wants"] == [
        "hearthwatch-ingest.service hearthwatch-alerts.service"
    ]
    for name in ("ingest", "alerts"):
        assert keys_of(f"{name}.service")["PartOf"] == ["hearthwatch-server.target"]


def test_the_gateway_is_watched_and_reloaded() -> None:
    keys = keys_of("gateway.service")
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


def test_systemd_finds_every_unit_sound(tmp_path: Path) -> None:
    commands = {
        "/usr/bin/hearthwatch": DEPLOY / "deb" / "hearthwatch",
        "/usr/lib/hearthwatch/backup-daily": DEPLOY / "backup" / "backup-daily",
    }
    here = {}
    for path, source in commands.items():
        here[path] = tmp_path / "bin" / source.name
        here[path].parent.mkdir(exist_ok=True)
        shutil.copy(source, here[path])
        here[path].chmod(0o755)
    for unit in UNITS:
        text = (DEPLOY / "systemd" / unit).read_text("utf-8")
        for path, copy in here.items():
            text = text.replace(path, str(copy))
        (tmp_path / unit).write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit) for unit in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    about_ours = [line for line in checked.stderr.splitlines() if "hearthwatch" in line]
    assert (checked.returncode, about_ours) == (0, [])


def test_the_package_is_not_begun_by_a_python_that_cannot_build() -> None:
    built = subprocess.run(
        ["sh", str(DEPLOY / "deb" / "build.sh"), "server"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": f"{sys.executable} -I -S"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, "run make wheel first" in built.stderr) == (2, True)


@pytest.mark.parametrize("script", ["build.sh", "postinst", "prerm", "hearthwatch"])
def test_the_package_scripts_are_sound_shell(script: str) -> None:
    subprocess.run(["sh", "-n", str(DEPLOY / "deb" / script)], check=True)
