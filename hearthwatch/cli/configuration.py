"""`hearthwatch config …`: schemas for editors, and a check of any configuration file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.base.printing import print_text

app = typer.Typer(help="Configuration files: JSON Schemas and checks.", no_args_is_help=True)


@app.command("schema")
def schema(
    folder: Annotated[Path, typer.Argument(help="Where to write the *.schema.json files.")],
) -> None:
    """Write a JSON Schema for each kind of configuration file.

    Editors that know a schema complete keys and check values in TOML files.
    """
    from hearthwatch.generated.configuration_kinds import schemas

    folder.mkdir(parents=True, exist_ok=True)
    for name, document in schemas().items():
        target = folder / f"{name}.schema.json"
        target.write_text(
            json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        print_text(target)


@app.command("check")
def check(
    files: Annotated[
        list[Path], typer.Argument(help="Gateway, server, profile, rule or scenario files.")
    ],
) -> None:
    """Check configuration files; the keys of a file show its kind.

    Every mistake is named with its file and key. Exits with 2 if there is any.
    """
    from configuration.load import ConfigurationError
    from hearthwatch.generated.configuration_kinds import check_file

    problems = []
    for path in files:
        try:
            print_text(f"{path}: a good {check_file(path)} file")
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
