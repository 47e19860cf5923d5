"""The guide's chapter *Install a district server*, command by command on a machine of its own, and
again after a backup was put back on another machine, in another folder."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.machine import ROOT, Machine, can_make_machines
from tests.deploy.units import keys_of
from tests.servers import wait_until

pytestmark = [
    pytest.mark.skipif(
        not can_make_machines(), reason="only root may make machines of name spaces"
    ),
    pytest.mark.timeout(600),  # the first test builds the package, and follows the whole chapter
]

CONFIG = "/etc/hearthwatch/server.toml"
PACKAGE = re.compile(r"hearthwatch-server_\S+\.deb")
_BLOCK = re.compile(r"```(sh|toml)\n(.*?)```", re.DOTALL)


def blocks(start: str, end: str, kind: str, guide: str = "operator-guide.md") -> list[str]:
    """The blocks of commands or configuration between two lines of the guide."""
    text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
    chapter = text[text.index(start) :]
    chapter = chapter[: chapter.index(end)]
    return [block for found, block in _BLOCK.findall(chapter) if found == kind]


INSTALL = blocks("### Install a district server", "### Configuration and accounts", "sh")
(SETTINGS,) = blocks("### Install a district server", "### Configuration and accounts", "toml")
TAKE, PUT = blocks("To move the district", "| put back |", "sh")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .deb that the first command of the chapter builds."""
    folder = tmp_path_factory.mktemp("package")
    (command,) = [line for line in INSTALL[0].splitlines() if "build.sh" in line]
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    built = subprocess.run(
        [*shlex.split(command), architecture, version, str(folder)],
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return next(folder.glob("hearthwatch-server_*.deb"))


class District:
    """A machine on which the chapter was followed."""

    def __init__(self, folder: Path, package: Path) -> None:
        self.machine = Machine(folder)
        self.machine.start()
        self._package = package

    def do(self, script: str, cwd: str = "/root") -> str:
        done = self.machine.run(script, cwd)
        assert done.returncode == 0, done.stdout + done.stderr + self.logs()
        return done.stdout

    def logs(self) -> str:
        files = sorted(self.machine.root.glob("run/*.log"))
        return "\n".join(f"== {file.name}\n{file.read_text()[-3_000:]}" for file in files)

    def install(self, settings: str = SETTINGS) -> None:
        """Every command up to the start."""
        name = self._package.name
        (self.machine.root / "root" / "dist").mkdir()
        (self.machine.root / "root" / "dist" / name).write_bytes(self._package.read_bytes())
        self.machine.put("/etc/hosts", "127.0.0.1 localhost broker.example\n")
        self.machine.put("/root/duty-password", "correct horse\n", 0o600)
        self.do("systemctl start postgresql")  # as Debian does when it installs it
        package = "\n".join(line for line in INSTALL[0].splitlines() if line.startswith("apt-get"))
        self.do(PACKAGE.sub(name, package))
        self.do("\n".join(INSTALL[1:3]))
        self.machine.put(CONFIG, settings, 0o640)
        self.do(f"chgrp hearthwatch {CONFIG}")

    def start(self) -> None:
        self.do(INSTALL[3])

    def ready(self) -> bool:
        return self.machine.run("curl --fail http://127.0.0.1:8080/readyz").returncode == 0

    def heats(self, number: int) -> None:
        """Let the gateway of the chapter send a reading, over TLS and with its own account."""
        account = "mentougou/zhaitang/matao/mt-01"
        secret = f"/etc/mosquitto/hearthwatch/new/{account.replace('/', '.')}"
        gateway = (ROOT / "tests" / "deploy" / "send_reading.py").read_text()
        self.machine.put("/root/send_reading.py", gateway)
        self.do(
            f"PYTHONPATH=/opt/hearthwatch/lib python3 -P /root/send_reading.py {account} {secret} "
            f"/etc/hearthwatch/ca.crt {number}"
        )

    def readings(self) -> int:
        query = "db=hearthwatch&q=SELECT%20count(supply_c)%20FROM%20heat_pump"
        answer = self.do(f"curl -s 'http://127.0.0.1:8086/query?{query}'")
        found = json.loads(answer)["results"][0].get("series", [])
        return int(found[0]["values"][0][1]) if found else 0

    def ended(self, unit: str) -> str | None:
        file = self.machine.root / "run" / f"{unit}.service.ended"
        return file.read_text().strip() if file.exists() else None


@pytest.fixture(scope="module")
def district(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    district = District(tmp_path_factory.mktemp("machines") / "first", package)
    try:
        district.install()
        district.start()
        yield district
    finally:
        district.machine.stop()


def test_the_commands_are_the_same_in_both_languages() -> None:
    chinese = "operator-guide.zh-CN.md"
    assert blocks("### 安装区级服务器", "### 配置和账号", "sh", chinese) == INSTALL
    assert blocks("### 安装区级服务器", "### 配置和账号", "toml", chinese) == [SETTINGS]
    assert blocks("把整个区迁到", "| 恢复的部分", "sh", chinese) == [TAKE, PUT]


def test_the_chapter_leads_to_a_server_that_stores_readings(district: District) -> None:
    assert district.ready()
    district.heats(1)
    wait_until(lambda: district.readings() == 1, what="the reading in InfluxDB")
    listed = district.do(f"hearthwatch user list --json --config {CONFIG}")
    assert [item["name"] for item in json.loads(listed)["items"]] == ["duty"]
    assert "whole" in district.do(f"hearthwatch audit verify --config {CONFIG}")


def test_what_root_and_the_services_made_belongs_to_the_services(district: District) -> None:
    state = district.do("find /var/lib/hearthwatch -printf '%u %m %P\\n'").split("\n")
    owners = {line.split()[0] for line in state if line}
    assert owners == {"hearthwatch"}
    files = [line for line in state if line.endswith((".db", ".jsonl", ".npz"))]
    assert files
    assert all(line.split()[1].endswith("0") for line in files), files
    assert (
        district.do("find /etc/hearthwatch -newer /etc/hearthwatch/ca.crt -user hearthwatch") == ""
    )


def test_a_wrong_key_leaves_the_unit_failed_with_2(district: District) -> None:
    good = (district.machine.root / CONFIG.lstrip("/")).read_text()
    district.machine.put(CONFIG, good.replace("[ingest]", "[ingest]\nmetrix = 1"), 0o640)
    district.do("systemctl restart hearthwatch-ingest")
    wait_until(lambda: district.ended("hearthwatch-ingest"), what="the end of ingest")
    assert district.ended("hearthwatch-ingest") == "2"
    assert (
        "ingest.metrix"
        in (district.machine.root / "run/hearthwatch-ingest.service.log").read_text()
    )
    district.machine.put(CONFIG, good, 0o640)
    district.do(f"chgrp hearthwatch {CONFIG}; systemctl restart hearthwatch-ingest")


def test_the_nightly_backup_runs_as_installed(district: District) -> None:
    keys = keys_of("backup.service")
    (before,), (command,) = keys["ExecStartPre"], keys["ExecStart"]
    assert before.startswith("+")  # systemd runs it as root
    district.do(before.removeprefix("+"))
    district.do(f"setpriv --reuid hearthwatch --regid hearthwatch --clear-groups {command}", "/")
    assert "manifest.json" in district.do("ls /var/backups/hearthwatch/*")


def test_a_backup_comes_back_on_another_machine_in_another_folder(
    district: District, package: Path, tmp_path: Path
) -> None:
    district.heats(2)
    wait_until(lambda: district.readings() >= 1, what="a reading in InfluxDB")
    stored = district.readings()
    district.do(TAKE)
    other = District(tmp_path / "second", package)
    try:
        other.install(SETTINGS.replace("/var/lib/hearthwatch", "/srv/hearthwatch"))
        carried = tmp_path / "carried.tar"
        whole = ["tar", "--numeric-owner", "-C", str(district.machine.root / "var")]
        subprocess.run([*whole, "-cf", carried, "backups"], check=True)
        (other.machine.root / "root" / "carried.tar").write_bytes(carried.read_bytes())
        other.do("tar --same-owner --numeric-owner -xf /root/carried.tar -C /var")
        other.do(PUT, "/var/backups/hearthwatch")
        wait_until(other.ready, 60, what="the services on the other machine")
        assert other.readings() == stored
        listed = other.do(f"hearthwatch user list --json --config {CONFIG}")
        assert [item["name"] for item in json.loads(listed)["items"]] == ["duty"]
        assert "whole" in other.do(f"hearthwatch audit verify --config {CONFIG}")
        other.heats(3)
        wait_until(lambda: other.readings() == stored + 1, what="a new reading")
        assert other.do("find /var/lib/hearthwatch -name '*.db'") == ""
    finally:
        other.machine.stop()
