"""`hearthwatch user …` and `hearthwatch token …`: people and programs, with their rights."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from hearthwatch.cli.options import ServerConfig

user_app = typer.Typer(help="People who log in to the console.", no_args_is_help=True)
token_app = typer.Typer(help="Bearer tokens for programs.", no_args_is_help=True)

Role = Literal["district", "town", "village", "manufacturer", "maintainer", "household"]
RoleOption = Annotated[Role, typer.Option("--role", help="What the holder may see and do.")]
ScopeOption = Annotated[
    str | None,
    typer.Option(
        "--scope",
        help="The id the role is limited to: a town, village, brand, organisation or household.",
    ),
]


@user_app.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="The login name.")],
    role: RoleOption,
    scope: ScopeOption = None,
    config: ServerConfig = Path("server.toml"),
) -> None:
    """Add a person, or change the password, role and scope of one.

    A change ends the person's sessions. The password is read from standard input, so that no shell
    history holds it.
    """
    from desk.accounts.accounts import AccountError, add_account
    from desk.database.engine import open_database
    from hearthwatch.base.errors import UsageError
    from hearthwatch.run.server_settings import load_server_settings

    password = (
        typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\r\n")
    )
    database = open_database(load_server_settings(config).tickets.url)
    try:
        is_new = add_account(database, name, password, role, scope)
    except AccountError as error:
        raise UsageError(str(error)) from error
    rights = role if scope is None else f"{role} {scope}"
    typer.echo(f"{'added' if is_new else 'changed'} {name} ({rights})")


@token_app.command("create")
def create_api_token(
    role: RoleOption, scope: ScopeOption = None, config: ServerConfig = Path("server.toml")
) -> None:
    """Create a bearer token and print it alone on one line.

    Keep the token: only its hash is stored, and it cannot be shown again.
    """
    from desk.accounts.accounts import AccountError, create_token
    from desk.database.engine import open_database
    from hearthwatch.base.errors import UsageError
    from hearthwatch.run.server_settings import load_server_settings

    try:
        token = create_token(open_database(load_server_settings(config).tickets.url), role, scope)
    except AccountError as error:
        raise UsageError(str(error)) from error
    typer.echo(token)
