"""`hearthwatch user …` and `hearthwatch token …`: people and programs, with their rights."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hearthwatch.cli.options import ServerConfig

if TYPE_CHECKING:
    from sqlalchemy import Engine

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


def _open_tickets(config: Path) -> "Engine":
    from configuration.state_files import require_state_files
    from desk.database.engine import open_database
    from hearthwatch.run.server_settings import load_server_settings

    tickets = load_server_settings(config).tickets
    if tickets.file is not None:
        require_state_files(config, {"tickets.url": tickets.file})
    return open_database(tickets.url)


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
    from hearthwatch.base.errors import UsageError

    password = (
        typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\r\n")
    )
    database = _open_tickets(config)
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
    from hearthwatch.base.errors import UsageError

    try:
        token = create_token(_open_tickets(config), role, scope)
    except AccountError as error:
        raise UsageError(str(error)) from error
    typer.echo(token)
