"""The configuration files of the demo's processes, as text; pure."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hearthwatch.demo.layout import DISTRICT, TOWN, DemoGateway, DemoLine
from simulators.unit.quirks import OF_TCP

INTERVAL_S: Final = 10
# The shipped rule alerts after an hour, which a demonstration cannot wait.
LOW_ROOM_ON_DELAY: Final = "10s"


def terminal_path(data: Path, line: DemoLine) -> Path:
    """Return where the pseudo-terminal of a serial line appears."""
    return data / "lines" / line.name


def bus_url(data: Path, line: DemoLine, tcp_ports: dict[str, int]) -> str:
    """Return the address at which a gateway reaches `line`."""
    if line.serial:
        return f"serial://{terminal_path(data, line)}?baud=9600&parity=N&stop=1"
    return f"tcp://127.0.0.1:{tcp_ports[line.name]}"


def gateway_toml(gateway: DemoGateway, data: Path, mqtt_url: str, tcp_ports: dict[str, int]) -> str:
    """Return the gateway.toml of one village box."""
    parts = [
        f"""\
district = "{DISTRICT}"
town = "{TOWN}"
village = "{gateway.village}"
gateway = "{gateway.name}"
interval = "{INTERVAL_S}s"
[mqtt]
url = "{mqtt_url}"
[journal]
path = "{gateway.name}-journal.db"
resend_after = "20s"
"""
    ]
    for line in gateway.lines:
        parts.append(f"[[bus]]\nurl = {_text(bus_url(data, line, tcp_ports))}\n")
        parts += [
            f'[[bus.device]]\nid = "{unit.device}"\naddress = {unit.address}\n'
            f'profile = "{line.profile}"\n'
            for unit in line.units
        ]
    return "".join(parts)


def server_toml(mqtt_url: str, port: int) -> str:
    """Return the server.toml of ingest and alerts."""
    return f"""\
[mqtt]
url = "{mqtt_url}"
[store]
url = "sqlite:readings.db"
dead_letters = "dead-letters.jsonl"
[tickets]
url = "sqlite:///tickets.db"
[http]
listen = "127.0.0.1:{port}"
[rules.override.low_room_temperature]
on_delay = "{LOW_ROOM_ON_DELAY}"
"""


def simulation_toml(
    gateways: tuple[DemoGateway, ...],
    data: Path,
    tcp_ports: dict[str, int],
    scenario: Path,
    seed: int,
    speed: float,
    quirks: Sequence[str] = (),
) -> str:
    """Return the configuration of the process that simulates all heat pumps.

    The first serial line has `quirks`, or the first TCP line if one of them is of TCP.
    """
    head = f"scenario = {_text(str(scenario))}\nseed = {seed}\nspeed = {speed}\n"
    parts = [head, 'truth = "truth.jsonl"\n']
    lines = [line for gateway in gateways for line in gateway.lines]
    of_tcp = any(quirk.partition(":")[0] in OF_TCP for quirk in quirks)
    awkward = next(line for line in lines if line.serial != of_tcp)
    for line in lines:
        where = (
            f"pty = {_text(str(terminal_path(data, line)))}"
            if line.serial
            else f'tcp = "127.0.0.1:{tcp_ports[line.name]}"'
        )
        parts.append(f'[[line]]\n{where}\nprofile = "{line.profile}"\nbaud = 9600\n')
        if quirks and line is awkward:
            parts.append(f"quirks = [{', '.join(map(_text, quirks))}]\n")
        parts += [
            f'[[line.unit]]\nid = "{unit.device}"\naddress = {unit.address}\n'
            for unit in line.units
        ]
    return "".join(parts)


def _text(text: str) -> str:
    # A JSON string is a TOML basic string for any path.
    return json.dumps(text, ensure_ascii=False)
