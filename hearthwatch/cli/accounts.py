"""`hearthwatch user …` and `hearthwatch token …`: people and programs, with their rights."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hearthwatch.base.printing import print_json, print_tables, print_text
from hearthwatch.cli.options import AsJson, ServerConfig

if TYPE_CHECKING:
    from sqlalchemy import Engine

user_app = typer.Typer(help="People who log in to the console.", no_args_is_help=True)
token_app = typer.Typer(help="Bearer tokens for programs.", no_args_is_help=True)

Role = Literal["district", "town", "village", "manufacturer", "maintainer", "household", "auditor"]
UserName = Annotated[str, typer.Argument(help="The login name.")]
RoleOption = Annotated[Role, typer.Option("--role", help="What the holder may see and do.")]
ScopeOption = Annotated[
    str | None,
    typer.Option(
        "--scope",
        help="What the role is limited to: a place as `town/village`, a brand, an organisation or "
        "a household.",
    ),
]


def _open_tickets(config: Path) -> "Engine":
    from configuration.state_files import require_state_files
    from desk.database.engine import open_database
    from hearthwatch.run.server_settings import load_server_settings

    tickets = load_server_settings(config).tickets
    if tickets.file is not None:
        require_state_files(config, {"tickets.url": tickets.file})
    return open_database(tickets.address)


def _read_password() -> str:
    """The password from standard input, so that no shell history holds it."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    from hearthwatch.base.errors import UsageError

    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise UsageError("give a password in the first line of standard input: < FILE")
    return password


@contextmanager
def _explained() -> Iterator[None]:
    from desk.accounts.accounts import AccountError
    from hearthwatch.base.errors import UsageError

    try:
        yield
    except AccountError as error:
        raise UsageError(str(error)) from error


def _print(holders: list[dict[str, Any]], as_json: bool) -> None:
    from hearthwatch.tables.accounts import holders_table

    if as_json:
        print_json({"items": holders})
    else:
        print_tables(holders_table(holders))


def _report(done: bool, name: str, what: str, kind: str = "user") -> None:
    from hearthwatch.base.errors import UsageError

    if not done:
        raise UsageError(f"there is no {kind} {name!r}; see {kind} list")
    print_text(f"{what} {name}")


@user_app.command("add")
def add_user(
    name: UserName,
    role: RoleOption,
    scope: ScopeOption = None,
    config: ServerConfig = Path("server.toml"),
) -> None:
    """Add a person, or change the password, role and scope of one.

    A change ends the person's sessions. The password is read from standard input, so that no shell
    history holds it. It has at least eight characters and is none that anybody would try first.
    """
    from desk.accounts.accounts import add_account

    password = _read_password()
    with _explained():
        is_new = add_account(_open_tickets(config), name, password, role, scope)
    rights = role if scope is None else f"{role} {scope}"
    print_text(f"{'added' if is_new else 'changed'} {name} ({rights})")


@user_app.command("list")
def list_users(as_json: AsJson = False, config: ServerConfig = Path("server.toml")) -> None:
    """List the people who may log in, with role and scope."""
    from desk.accounts.accounts import list_accounts

    accounts = [asdict(account) for account in list_accounts(_open_tickets(config))]
    _print(accounts, as_json)


@user_app.command("disable")
def disable_user(name: UserName, config: ServerConfig = Path("server.toml")) -> None:
    """Keep a person out from now on; the sessions end at once."""
    from desk.accounts.accounts import disable_account

    _report(disable_account(_open_tickets(config), name), name, "disabled")


@user_app.command("enable")
def enable_user(name: UserName, config: ServerConfig = Path("server.toml")) -> None:
    """Let a disabled person log in again, with the same password."""
    from desk.accounts.accounts import disable_account

    _report(disable_account(_open_tickets(config), name, disabled=False), name, "enabled")


@user_app.command("remove")
def remove_user(name: UserName, config: ServerConfig = Path("server.toml")) -> None:
    """Remove a person; the name stays in the records of tickets and alerts."""
    from desk.accounts.accounts import remove_account

    _report(remove_account(_open_tickets(config), name), name, "removed")


@user_app.command("password")
def change_password(name: UserName, config: ServerConfig = Path("server.toml")) -> None:
    """Give a person a new password, read from standard input; the sessions end."""
    from desk.accounts.accounts import set_password

    password = _read_password()
    with _explained():
        done = set_password(_open_tickets(config), name, password)
    _report(done, name, "changed the password of")


@token_app.command("create")
def create_api_token(
    role: RoleOption,
    scope: ScopeOption = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What the token is for, as `token list` shows it.")
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", help="How long it is valid, like 90d; without it, for ever."),
    ] = None,
    config: ServerConfig = Path("server.toml"),
) -> None:
    """Create a bearer token and print it alone on one line.

    Keep the token: only its hash is stored, and it cannot be shown again.
    """
    from desk.accounts.tokens import create_token
    from hearthwatch.base.errors import UsageError
    from wire.durations import parse_duration

    try:
        lasts_ms = None if expires is None else parse_duration(expires)
    except ValueError as error:
        raise UsageError(f"--expires: {error}") from error
    with _explained():
        token = create_token(_open_tickets(config), role, scope, name=name, lasts_ms=lasts_ms)
    print_text(token)


@token_app.command("list")
def list_api_tokens(as_json: AsJson = False, config: ServerConfig = Path("server.toml")) -> None:
    """List the tokens: id, name, rights, when made, used last, expired or revoked."""
    from desk.accounts.tokens import list_tokens

    tokens = [asdict(token) for token in list_tokens(_open_tickets(config))]
    _print(tokens, as_json)


@token_app.command("revoke")
def revoke_api_token(
    token: Annotated[str, typer.Argument(help="The id of `token list`, or the token itself.")],
    config: ServerConfig = Path("server.toml"),
) -> None:
    """End a token at once; a feed that it reads ends, too."""
    from desk.accounts.tokens import revoke_token

    with _explained():
        done = revoke_token(_open_tickets(config), token)
    _report(done, token, "revoked", "token")
