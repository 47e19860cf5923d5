"""`hearthwatch verify`: whether everything that happened was stored, raised and ticketed once."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.base.printing import print_json, print_text
from hearthwatch.cli.options import AsJson


def verify(
    truth: Annotated[
        Path, typer.Option("--truth", help="The simulator's ground truth, JSON lines.")
    ],
    config: Annotated[
        Path, typer.Option("--config", help="The server.toml of the system that watched.")
    ],
    as_json: AsJson = False,
) -> None:
    """Compare what was injected with what was stored, raised and ticketed.

    Prints how much was lost, duplicated, missed and false. Exits with 1 if any of them is not
    zero.
    """
    from hearthwatch.base.errors import FAILED
    from hearthwatch.run.server_settings import load_server_settings
    from hearthwatch.trials.verification import verify_system

    result = verify_system(truth, load_server_settings(config))
    if as_json:
        print_json(result.to_document())
    else:
        print_text(result.to_text())
    if not result.clean:
        raise typer.Exit(FAILED)
