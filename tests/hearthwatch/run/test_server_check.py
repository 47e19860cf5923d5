"""`server check` against real brokers and databases: names all that is wrong, with the remedy."""

import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from hearthwatch.run.server_check import server_checks
from hearthwatch.run.server_settings import load_server_settings
from tests.deploy.shipped_brokers import ShippedBroker, ShippedMosquitto, ShippedNats
from tests.servers import PostgresServer, free_port

Checks = dict[str, tuple[bool, str]]


@pytest.fixture(scope="module", params=[ShippedMosquitto, ShippedNats])
def shipped(request: pytest.FixtureRequest) -> Iterator[ShippedBroker]:
    server: ShippedBroker = request.param()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def broker_table(shipped: ShippedBroker, account: str, password_of: str | None = None) -> str:
    settings = shipped.settings(account, password_of)
    return (
        f'[mqtt]\nurl = "{settings.url}"\nca = "{settings.ca}"\nusername = "{account}"\n'
        f'password_file = "{settings.password_file}"\n'
    )


def checked(folder: Path, tables: str, listen: str | None = None) -> Checks:
    config = folder / "server.toml"
    config.write_text(f'{tables}\n[http]\nlisten = "{listen or f"127.0.0.1:{free_port()}"}"\n')
    checks = server_checks(config, load_server_settings(config))
    return {check.name: (check.good, check.text) for check in checks}


def bad(checks: Checks) -> dict[str, str]:
    return {name: text for name, (good, text) in checks.items() if not good}


def test_all_is_well_with_the_shipped_broker(shipped: ShippedBroker, tmp_path: Path) -> None:
    checks = checked(tmp_path, broker_table(shipped, "server"))
    assert bad(checks) == {}
    assert set(checks) == {
        *("files", "store: version", "store: file", "store: write and read", "tickets"),
        *("broker certificate", "broker", "broker: reads", "broker: writes", "broker: both"),
        *("console", "port"),
    }


def test_an_account_without_the_rights_is_named_with_what_it_lacks(
    shipped: ShippedBroker, tmp_path: Path
) -> None:
    failed = bad(checked(tmp_path, broker_table(shipped, "watch")))
    assert failed
    assert set(failed) <= {"broker: reads", "broker: writes", "broker: both"}
    assert "hw/v1/retired" in " ".join(failed.values())
    assert all("docs/operator-guide.md" in text for text in failed.values())


def test_a_wrong_password_of_the_broker_is_named(shipped: ShippedBroker, tmp_path: Path) -> None:
    failed = bad(checked(tmp_path, broker_table(shipped, "server", "watch")))
    assert list(failed) == ["broker"]
    assert "refuses the login" in failed["broker"]


def test_a_foreign_certificate_is_named(shipped: ShippedBroker, tmp_path: Path) -> None:
    table = f'[mqtt]\nurl = "mqtts://127.0.0.1:{shipped.port}"\n'
    failed = bad(checked(tmp_path, table))
    assert "the certificate of 127.0.0.1" in failed["broker"]


def test_what_is_away_is_named_and_the_other_checks_go_on(tmp_path: Path) -> None:
    nobody = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        tables = (
            f'[mqtt]\nurl = "mqtt://127.0.0.1:{nobody}"\n'
            f'[tickets]\nurl = "postgresql+psycopg://desk@127.0.0.1:{nobody}/tickets"\n'
            f'[store]\nurl = "influxdb+http://127.0.0.1:{nobody}/org/bucket"\n'
        )
        failed = bad(checked(tmp_path, tables, listen))
    assert set(failed) == {"store: version", "tickets", "broker", "port"}
    assert "nothing listens" in failed["broker"]
    assert "start the database server" in failed["tickets"]
    assert failed["port"] == f"{listen}: address already in use; name another in [http] listen"


@pytest.mark.parametrize(
    ("database", "remedy"), [("unheard_of", "create it with createdb"), (None, "tables of version")]
)
def test_a_database_of_postgresql_is_tried(
    postgres: PostgresServer, tmp_path: Path, database: str | None, remedy: str
) -> None:
    name = f"c{uuid.uuid4().hex}"
    url = postgres.create(name).replace(name, database or name)
    checks = checked(tmp_path, f'[tickets]\nurl = "{url}"\n')
    good, text = checks["tickets"]
    assert good == (database is None)
    assert remedy in text
    assert "\n" not in text


def test_a_folder_that_is_no_folder_is_named_and_the_rest_is_tried(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    failed = bad(checked(tmp_path, '[ingest]\nstate = "file/ingest.db"\n'))
    assert "ingest.state" in failed["files"]
    assert "broker" in failed
