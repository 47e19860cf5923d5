"""Requests of any content to every endpoint as each role: no server error, and no answer that the
OpenAPI document does not describe."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx
import pytest

from desk.database.engine import writing
from desk.database.tables import GatewayRow
from tests.api.serving import VILLAGE, Desk

SECONDS: Final = int(os.environ.get("HEARTHWATCH_FUZZ_SECONDS", "0"))
"""Time for each role; 0 tries a few examples of each endpoint, however slow the machine."""

FEW: Final = ("--max-examples", "5")
MANY: Final = ("--max-examples", "100000", "--max-time", str(SECONDS))
DEVICE: Final = "mtg-mt-0001"
REQUESTS: Final = "requests.ndjson"
CHECKS: Final = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)
SCOPES: Final[dict[str, str | None]] = {
    "household": "house-1",
    "village": f"{VILLAGE.district}/{VILLAGE.town}/{VILLAGE.village}",
    "maintainer": "crew-1",
    "manufacturer": "midea",
    "town": f"{VILLAGE.district}/{VILLAGE.town}",
    "district": None,
    "auditor": None,
}


@pytest.fixture
def known(desk: Desk) -> dict[str, str]:
    """The ids that a request may name, by the name of its parameter."""
    desk.add_device(DEVICE, household="house-1")
    place = {"district": VILLAGE.district, "town": VILLAGE.town, "village": VILLAGE.village}
    with writing(desk.database) as session:
        session.add(GatewayRow(id=VILLAGE.gateway, online=True, **place))
    alert = desk.raise_alert(DEVICE)
    headers = {"Authorization": f"Bearer {desk.token('district', None)}"}
    report = {"text": "cold", "device": DEVICE}
    with httpx.Client(base_url=desk.url, headers=headers, trust_env=False) as client:
        ticket = client.post("/api/v1/tickets", json=report).raise_for_status().json()["id"]
        step = {"event": "dispatch", "crew": "crew-1"}
        client.post(f"/api/v1/tickets/{ticket}/events", json=step).raise_for_status()
    return {"alert": alert, "ticket": ticket, "device": DEVICE, "gateway": VILLAGE.gateway}


def configuration(folder: Path, known: dict[str, str]) -> Path:
    """Let every path name a known id: any other is only ever 404."""
    lines = [f'"path.{name}" = "{value}"' for name, value in known.items()]
    path = folder / "schemathesis.toml"
    path.write_text("\n".join(["[parameters]", *lines, ""]))
    return path


def command(desk: Desk, settings: Path, authorization: list[str]) -> list[str]:
    # The feed is left out: its answer never ends. tests/api/test_feed.py reads it.
    return [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(settings)),
        *("run", f"{desk.url}/api/v1/openapi.json", *authorization),
        *("--exclude-path", "/api/v1/feed", "--checks", CHECKS, "--continue-on-failure"),
        *("--phases", "examples,coverage,fuzzing", "--seed", "12", *(MANY if SECONDS else FEW)),
        *("--generation-database", "none", "--no-color", "--warnings", "off"),
        *("--report", "ndjson", "--report-ndjson-path", str(settings.with_name(REQUESTS))),
    ]


@pytest.mark.timeout(SECONDS * 2 + 120)
@pytest.mark.parametrize("role", [*SCOPES, "anonymous"])
def test_every_answer_is_one_that_the_document_describes(
    desk: Desk, known: dict[str, str], tmp_path: Path, role: str
) -> None:
    authorization = []
    if role != "anonymous":
        authorization = ["-H", f"Authorization: Bearer {desk.token(role, SCOPES[role])}"]
    run = subprocess.run(
        command(desk, configuration(tmp_path, known), authorization),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )
    sys.stdout.write(f"{role}\n{run.stdout}")
    assert run.returncode == 0, run.stdout + run.stderr
    requests = (tmp_path / REQUESTS).read_text()
    assert f"/api/v1/tickets/{known['ticket']}/events" in requests, "only unknown ids were tried"
