"""`hearthwatch user …` and `hearthwatch token …`: who may see and do what."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

user_app = typer.Typer(help="People who log in to the console.", no_args_is_help=True)
token_app = typer.Typer(help="Bearer tokens for programs.", no_args_is_help=True)

Role = Literal["district", "town", "village", "manufacturer", "maintainer", "household"]
Config = Annotated[Path, typer.Option("--config", help="The server's TOML file.")]
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
    config: Config = Path("server.toml"),
) -> None:
    """Add a person, or give one a new password, role and scope, which ends their sessions.

    The password is read from standard input, so that it stands in no shell history.
    """
    from desk.accounts.accounts import AccountError, add_account
    from desk.database.engine import open_database
    from hearthwatch.base.errors import UsageError
    from hearthwatch.run.server_settings import load_server_settings

    password = (
        typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        if sys.stdin.isatty()
        else _line()
    )
    try:
        new = add_account(
            open_database(load_server_settings(config).tickets.url), name, password, role, scope
        )
    except AccountError as error:
        raise UsageError(str(error)) from error
    typer.echo(f"{'added' if new else 'changed'} {name} ({role}{f' {scope}' if scope else ''})")


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")


@token_app.command("create")
def create_api_token(
    role: RoleOption, scope: ScopeOption = None, config: Config = Path("server.toml")
) -> None:
    """Create a bearer token and print it alone on one line; only its hash is stored, so keep it
    now."""
    from desk.accounts.accounts import AccountError, create_token
    from desk.database.engine import open_database
    from hearthwatch.base.errors import UsageError
    from hearthwatch.run.server_settings import load_server_settings

    try:
        token = create_token(open_database(load_server_settings(config).tickets.url), role, scope)
    except AccountError as error:
        raise UsageError(str(error)) from error
    typer.echo(token)
