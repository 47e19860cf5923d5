"""The pages, and the fragments that htmx fetches again when the live feed reports a change."""

from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from api import (
    ApiContext,
    Caller,
    Context,
    NotFoundError,
    device_with_values,
    find_caller,
    note_refusal,
    read_board,
)
from console import entrance
from console.board import PLOTTED, SHAPES, STEPS, alert_rows, counts, ticket_rows
from console.rendering import gone, language_of, render
from console.texts import section

_HERE: Final = Path(__file__).parent
MOST_ALERTS: Final = 300
MOST_TICKETS: Final = 200
SCRIPT_SECTIONS: Final = ("connection", "tickets", "failed", "point", "device")

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


class _Assets(StaticFiles):
    """Static files that a browser keeps but asks for again, so that an update shows at once."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_revalidated(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"cache-control", b"no-cache"))
            await send(message)

        await super().__call__(scope, receive, send_revalidated)


def mount(app: FastAPI) -> None:
    """Add the pages and their assets to `app`, which `api.create_app` made."""
    app.include_router(router)
    app.include_router(entrance.router)
    app.mount("/static", _Assets(directory=_HERE / "static"), name="static")


@router.get("/")
def page(request: Request, context: Context, device: str | None = None) -> Response:
    """The control-room page, or the way to the login."""
    caller = find_caller(request, context)
    if caller is None:
        return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    language = language_of(request)
    values = {
        **_board(context, caller),
        **_device(request, context, caller, device),
        "caller": caller.name,
        "role": caller.scope.role,
        "place": caller.scope.scope,
        "now": context.clock(),
        "script_texts": {name: section(language, name) for name in SCRIPT_SECTIONS},
    }
    return render(request, "console.html", values)


@router.get("/console/board")
def board(request: Request, context: Context) -> Response:
    """Alerts, counts and tickets as they are now."""
    caller = find_caller(request, context)
    return (
        gone(request) if caller is None else render(request, "board.html", _board(context, caller))
    )


@router.get("/console/device")
def find_device(request: Request, context: Context, device: str = "") -> Response:
    """The device of an id that a person typed; the address of the page then names it."""
    response = show_device(request, context, device.strip())
    response.headers["HX-Replace-Url"] = str(request.url.replace(path="/"))
    return response


@router.get("/console/device/{device}")
def show_device(request: Request, context: Context, device: str) -> Response:
    """One device: where it is, its newest values, and the place of its plot."""
    caller = find_caller(request, context)
    if caller is None:
        return gone(request)
    return render(request, "device.html", _device(request, context, caller, device))


def _board(context: ApiContext, caller: Caller) -> dict[str, Any]:
    board = read_board(context, caller, MOST_ALERTS + 1, MOST_TICKETS + 1)
    return {
        "alerts": alert_rows(board.alerts[:MOST_ALERTS], board.tickets),
        "more_alerts": len(board.alerts) > MOST_ALERTS,
        "tickets": ticket_rows(board.tickets[:MOST_TICKETS]),
        "more_tickets": len(board.tickets) > MOST_TICKETS,
        "counts": counts(board.summary),
        "devices": board.summary["devices"],
        "shapes": SHAPES,
        "steps": STEPS,
        "may_acknowledge": board.may_acknowledge,
    }


def _device(
    request: Request, context: ApiContext, caller: Caller, device: str | None
) -> dict[str, Any]:
    if not device:
        return {"device": None, "device_id": None}
    try:
        document = device_with_values(context, caller, device)
    except NotFoundError:
        note_refusal(request, HTTPStatus.NOT_FOUND, "not_found", f"device:{device}")
        return {"device": None, "device_id": device}
    return {"device": document, "device_id": device, "plotted": PLOTTED}
