"""`hearthwatch box …`: village boxes, and to which of them a device belongs."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hearthwatch.base.printing import print_json, print_text
from hearthwatch.cli.options import AsJson, ServerConfig

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from desk.accounts.scope import Scope
    from hearthwatch.run.server_settings import ServerSettings

box_app = typer.Typer(help="Village boxes: list, retire, and give devices.", no_args_is_help=True)

Box = Annotated[str, typer.Argument(help="district/town/village/gateway, or its id if unique.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the audit.")]


@box_app.command("list")
def list_all(config: ServerConfig = Path("server.toml"), as_json: AsJson = False) -> None:
    """List the boxes with their devices; a retired one is marked."""
    from desk.ledger.boxes import list_boxes

    with _desk(config) as (session, scope, _):
        boxes = list_boxes(session, scope)
    if as_json:
        print_json({"items": boxes})
        return
    for box in boxes:
        state = "retired" if box["retired_at"] else "online" if box["online"] else "offline"
        print_text(f"{box['gateway']}  {state}  {len(box['devices'])} devices")


@box_app.command("retire")
def retire(box: Box, why: Why, config: ServerConfig = Path("server.toml")) -> None:
    """End a box that was replaced or taken away.

    Its devices are free for the box that announces them now, and readings held of that box go to
    the store. What the retired box still sends is held until `box reinstate`.
    """
    _decide(box, why, config, retired=True)


@box_app.command("reinstate")
def reinstate(box: Box, why: Why, config: ServerConfig = Path("server.toml")) -> None:
    """Take a retired box back."""
    _decide(box, why, config, retired=False)


@box_app.command("assign")
def assign(
    device: Annotated[str, typer.Argument(help="The device.")],
    box: Annotated[
        str | None, typer.Argument(help="The box; without one the decision is taken back.")
    ] = None,
    why: Why = "",
    config: ServerConfig = Path("server.toml"),
) -> None:
    """Decide to which box a device belongs, whoever announces it."""
    from desk.ledger.boxes import assign_device
    from hearthwatch.run.alert_parts import listed_gateways
    from wire.wall_clock import wall_clock_ms

    with _desk(config) as (session, scope, settings), _explained():
        listed = listed_gateways(settings)().get(device)
        target, now = (device, box), wall_clock_ms()
        after = assign_device(session, scope, target, listed, why, getpass.getuser(), now)
    print_text(f"{device} belongs to {after or 'whoever announces it'}")


def _decide(box: str, why: str, config: Path, *, retired: bool) -> None:
    from desk.ledger.boxes import retire_box
    from wire.wall_clock import wall_clock_ms

    with _desk(config) as (session, scope, _), _explained():
        retire_box(session, scope, box, why, getpass.getuser(), wall_clock_ms(), retired=retired)
    print_text(f"{box} is {'retired' if retired else 'in service'}")


@contextmanager
def _desk(config: Path) -> "Iterator[tuple[Session, Scope, ServerSettings]]":
    """The ticket database in one transaction, with the rights of the district."""
    from desk.accounts.scope import Scope
    from desk.database.engine import open_database, writing
    from hearthwatch.run.server_settings import load_server_settings

    settings = load_server_settings(config)
    with writing(open_database(settings.tickets.address)) as session:
        yield session, Scope("district"), settings


@contextmanager
def _explained() -> Iterator[None]:
    from desk.errors import ActRefusedError, NotFoundError
    from hearthwatch.base.errors import UsageError

    try:
        yield
    except NotFoundError as error:
        raise UsageError(f"{error}: no such box or device; see hearthwatch box list") from error
    except ActRefusedError as error:
        raise UsageError(str(error)) from error
