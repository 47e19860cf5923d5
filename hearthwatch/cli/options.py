"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
ServerConfig = Annotated[
    Path, typer.Option("--config", help="The server's TOML file (see config/examples/server.toml).")
]
GatewayConfig = Annotated[
    Path,
    typer.Option("--config", help="The gateway's TOML file (see config/examples/gateway.toml)."),
]
BrokerConfig = Annotated[
    Path | None,
    typer.Option("--config", help="A server.toml; its [mqtt] table names the broker."),
]
BrokerUrl = Annotated[
    str | None, typer.Option("--url", help="The broker as mqtt://HOST:PORT, instead of a file.")
]
Since = Annotated[
    str, typer.Option("--from", help="First day or time, like 2025-11-01 or 2025-11-01T08:30.")
]
Until = Annotated[str | None, typer.Option("--to", help="The end, not included; default: now.")]
Seed = Annotated[
    int, typer.Option("--seed", help="The same seed gives the same houses and weather.")
]
Speed = Annotated[
    float, typer.Option("--speed", min=0.1, help="Simulated seconds that pass in a second.")
]
ScenarioName = Annotated[
    str,
    typer.Option(
        "--scenario", help="Weather, houses and faults: a name in config/scenarios or a TOML file."
    ),
]
