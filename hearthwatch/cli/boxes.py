"""`hearthwatch box …`: village boxes, and to which of them a device belongs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hearthwatch.base.printing import print_json, print_text
from hearthwatch.cli.options import AsJson, ServerConfig

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


box_app = typer.Typer(help="Village boxes: list, retire, and give devices.", no_args_is_help=True)

Box = Annotated[str, typer.Argument(help="district/town/village/gateway, or its id if unique.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the audit.")]


@box_app.command("list")
def list_all(config: ServerConfig = Path("server.toml"), as_json: AsJson = False) -> None:
    """List the boxes with their devices; a retired one is marked."""
    from desk.accounts.scope import Scope
    from desk.database.engine import open_database, reading
    from desk.ledger.boxes import list_boxes
    from hearthwatch.run.server_settings import load_server_settings

    with reading(open_database(load_server_settings(config).tickets.address)) as session:
        boxes = list_boxes(session, Scope("district"))
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
    from desk.accounts.scope import Scope
    from desk.ledger.boxes import assign_device
    from hearthwatch.run.alert_parts import listed_gateways
    from hearthwatch.run.server_settings import load_server_settings

    with _explained(), _acting(config, "box.assign") as (session, by, now):
        listed = listed_gateways(load_server_settings(config))().get(device)
        after = assign_device(session, Scope("district"), (device, box), listed, why, by, now)
    print_text(f"{device} belongs to {after or 'whoever announces it'}")


def _decide(box: str, why: str, config: Path, *, retired: bool) -> None:
    from desk.accounts.scope import Scope
    from desk.ledger.boxes import retire_box

    what = "box.retire" if retired else "box.reinstate"
    with _explained(), _acting(config, what) as (session, by, now):
        retire_box(session, Scope("district"), box, why, by, now, retired=retired)
    print_text(f"{box} is {'retired' if retired else 'in service'}")


@contextmanager
def _acting(config: Path, what: str) -> "Iterator[tuple[Session, str, int]]":
    """One transaction in the ticket database, who acts in it, and when (UTC ms)."""
    from desk.accounts.accounts import this_user
    from desk.audit.trail import acting
    from desk.database.engine import open_database
    from hearthwatch.run.server_settings import load_server_settings
    from wire.wall_clock import wall_clock_ms

    database = open_database(load_server_settings(config).tickets.address)
    actor, now = this_user(), wall_clock_ms()
    with acting(database, actor, what, now) as session:
        yield session, actor.name, now


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
