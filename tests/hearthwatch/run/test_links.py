"""Each file that the services make, replaced by a link to a foreign file: refused, exit 2."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from configuration.links import open_unlinked, refuse_links, refuse_links_below, write_unlinked
from configuration.load import ConfigurationError
from hearthwatch.base.errors import UnreachableError
from hearthwatch.cli import app
from simulators.live.truth import TruthLog
from tests.servers import MosquittoBroker, free_port, http_status, wait_until

HEARTHWATCH = [sys.executable, "-m", "hearthwatch"]
SERVER = """\
[mqtt]
url = "mqtt://127.0.0.1:{mqtt}"
[http]
listen = "127.0.0.1:{http}"
"""
GATEWAY = """\
district = "d"
town = "t"
village = "v"
gateway = "g"
[mqtt]
url = "mqtt://127.0.0.1:{mqtt}"
[journal]
path = "journal.db"
[[bus]]
url = "tcp://127.0.0.1:{http}"
device = [{{ id = "unit", address = 1, profile = "midea-mthermal" }}]
"""
FOREIGN = b"the file of another user\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file that a gateway and a server have made; they have ended since."""
    folder = tmp_path_factory.mktemp("made")
    broker = MosquittoBroker(tmp_path_factory.mktemp("broker"))
    broker.start()
    http = free_port()
    (folder / "server.toml").write_text(SERVER.format(mqtt=broker.port, http=http))
    (folder / "gateway.toml").write_text(GATEWAY.format(mqtt=broker.port, http=free_port()))
    running = [
        subprocess.Popen(
            [*HEARTHWATCH, *words, "--config", folder / f"{words[0]}.toml"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for words in (("server", "run"), ("gateway", "run"))
    ]
    try:
        wait_until(lambda: http_status(f"http://127.0.0.1:{http}/readyz") == 200, 40)
        wait_until((folder / "journal.db.commands").exists, 20)
        wait_until((folder / "dead-letters.jsonl").exists, 20)
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(30) for process in running] == [0, 0]
        broker.stop()
    return folder


def _refused(words: list[str], config: Path) -> str:
    """Run a command in this process; return why it was refused.

    `server check` goes on after what it finds wrong: it prints that.
    """
    result = CliRunner().invoke(app, [*words, "--config", str(config)])
    if words == ["server", "check"]:
        assert isinstance(result.exception, UnreachableError), result.output
        return result.output
    assert isinstance(result.exception, ConfigurationError), result.output
    return str(result.exception)


def test_no_service_opens_a_file_of_its_own_through_a_link(made: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(FOREIGN)
    files = [path for path in made.rglob("*") if path.is_file() and path.suffix != ".toml"]
    names = {str(path.relative_to(made)) for path in files}
    companions = {"journal.db.reserve", "journal.db.commands", "ingest.db.lock", "readings.db"}
    logs = {"alerts-state/logs/ingest.log", "alerts-state/logs/processes.json"}
    assert names >= companions | logs | {
        "tickets.db",
        "dead-letters.jsonl",
        "alerts-state/rules.npz",
    }
    for path in files:
        kept = path.rename(tmp_path / "kept")
        path.symlink_to(foreign)
        service = "gateway" if path.name.startswith("journal") else "server"
        reason = _refused([service, "run"], made / f"{service}.toml")
        assert f"{path} is a symbolic link" in reason
        assert "remove the link" in reason
        assert foreign.read_bytes() == FOREIGN
        path.unlink()
        kept.rename(path)


def test_tools_open_no_file_through_a_link(made: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(FOREIGN)
    for words, name in (
        (["token", "create", "--role", "district"], "tickets.db-wal"),
        (["server", "check"], "readings.db-wal"),
        (["ingest", "replay-dead-letters"], "dead-letters.jsonl.replay"),
    ):
        link = made / name
        link.unlink(missing_ok=True)
        link.symlink_to(foreign)
        assert f"{link} is a symbolic link" in _refused(words, made / "server.toml")
        link.unlink()
    assert foreign.read_bytes() == FOREIGN


def test_a_service_exits_with_2_and_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text("")
    (tmp_path / "ingest.db").symlink_to(tmp_path / "elsewhere")
    ended = subprocess.run(
        [*HEARTHWATCH, "ingest", "run", "--config", tmp_path / "server.toml"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert f"ingest.state: {tmp_path}/ingest.db is a symbolic link" in ended.stderr
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["server.toml", "broker", "logs", "truth.jsonl", "readings.db"])
def test_a_demo_follows_no_link_below_its_folder(name: str, tmp_path: Path) -> None:
    data, foreign = tmp_path / "data", tmp_path / "foreign"
    data.mkdir()
    foreign.write_bytes(FOREIGN)
    (data / name).symlink_to(foreign)
    words = ["demo", "--data", str(data), "--port", "0", "--mqtt-port", "0", "--for", "1s"]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, ConfigurationError)
    assert f"{data / name} is a symbolic link" in str(result.exception)
    assert foreign.read_bytes() == FOREIGN


def test_the_folder_itself_may_be_a_link_of_this_user_or_root(tmp_path: Path) -> None:
    disk, folder = tmp_path / "disk", tmp_path / "state"
    disk.mkdir()
    (disk / "state.db").write_bytes(b"")
    folder.symlink_to(disk)
    refuse_links_below(folder)
    refuse_links(folder / "state.db")
    if os.geteuid() != 0:
        pytest.skip("only root can make a link of another user")
    os.lchown(folder, 65534, 65534)
    with pytest.raises(ConfigurationError, match="a symbolic link of another user; remove it"):
        refuse_links_below(folder)
    with pytest.raises(ConfigurationError, match="a symbolic link of another user; remove it"):
        refuse_links(folder / "state.db")


def test_a_link_that_comes_while_a_service_runs_is_not_followed(tmp_path: Path) -> None:
    foreign, link = tmp_path / "foreign", tmp_path / "link"
    foreign.write_bytes(FOREIGN)
    link.symlink_to(foreign)
    for opened in (
        lambda: open_unlinked(link, os.O_WRONLY | os.O_APPEND),
        lambda: write_unlinked(link, b"ours"),
        lambda: TruthLog(link),
    ):
        with pytest.raises(OSError, match="is a symbolic link"):
            opened()
    assert foreign.read_bytes() == FOREIGN
