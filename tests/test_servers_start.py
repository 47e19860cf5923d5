"""The servers that other tests lean on really start and answer."""

import urllib.request

import pytest

from tests.servers import InfluxGate, Server, VictoriaServer, answers


@pytest.mark.parametrize("name", ["nats_broker", "mosquitto_broker"])
def test_broker_survives_kill_and_restart(name: str, request: pytest.FixtureRequest) -> None:
    broker: Server = request.getfixturevalue(name)
    assert answers(broker.port)
    broker.kill()
    assert not answers(broker.port)
    broker.start()
    assert answers(broker.port)


def _write(base: str) -> int:
    request = urllib.request.Request(
        f"{base}/api/v2/write?org=district&bucket=hearthwatch&precision=ms",
        data=b"probe,device=a value=1 1763740010120",
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return int(response.status)


def test_influx_takes_the_v2_write(influx: InfluxGate) -> None:
    assert _write(influx.http_url) == 204


def test_victoria_takes_the_v2_write(victoria: VictoriaServer) -> None:
    assert _write(victoria.http_url) == 204
