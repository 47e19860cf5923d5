"""The pages, and the fragments that htmx fetches again when the live feed reports a change."""

from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from api import (
    ApiContext,
    Caller,
    Context,
    Credentials,
    NotFoundError,
    Problem,
    close_session,
    device_with_values,
    find_caller,
    open_session,
    read_board,
)
from console.assets import missing
from console.board import PLOTTED, SHAPES, STEPS, alert_rows, counts, ticket_rows
from console.show import date_and_minute, date_and_time, iso, measured
from console.texts import LANGUAGES, Language, section, text

_HERE: Final = Path(__file__).parent
_LANGUAGE_COOKIE: Final = "hearthwatch_language"
_YEAR_S: Final = 365 * 86_400
MOST_ALERTS: Final = 300
MOST_TICKETS: Final = 200
SCRIPT_SECTIONS: Final = ("connection", "tickets", "failed", "point", "device")

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

_templates: Final = Jinja2Templates(_HERE / "templates")
_templates.env.filters |= {
    "measured": measured,
    "date_and_time": date_and_time,
    "date_and_minute": date_and_minute,
    "iso": iso,
}
_templates.env.trim_blocks = _templates.env.lstrip_blocks = True


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
    app.mount("/static", _Assets(directory=_HERE / "static"), name="static")


@router.get("/")
def page(request: Request, context: Context, device: str | None = None) -> Response:
    """The control-room page, or the way to the login."""
    caller = find_caller(request, context)
    if caller is None:
        return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    language = _language(request)
    values = {
        **_board(context, caller),
        **_device(context, caller, device),
        "caller": caller.name,
        "role": caller.scope.role,
        "place": caller.scope.scope,
        "now": context.clock(),
        "script_texts": {name: section(language, name) for name in SCRIPT_SECTIONS},
    }
    return _render(request, "console.html", values)


@router.get("/console/board")
def board(request: Request, context: Context) -> Response:
    """Alerts, counts and tickets as they are now."""
    caller = find_caller(request, context)
    return _gone() if caller is None else _render(request, "board.html", _board(context, caller))


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
        return _gone()
    return _render(request, "device.html", _device(context, caller, device))


@router.get("/login")
def login_page(request: Request, context: Context) -> Response:
    """The login form."""
    if find_caller(request, context) is not None:
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)
    return _render(request, "login.html", {"failure": None, "name": ""})


@router.post("/login")
def login(
    request: Request, context: Context, credentials: Annotated[Credentials, Form()]
) -> Response:
    """Log in by the form; on failure the form again, saying why."""
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    try:
        open_session(context, credentials, request, response)
    except Problem as problem:
        return _render(
            request,
            "login.html",
            {"failure": problem.code, "name": credentials.name},
            problem.status,
        )
    return response


@router.post("/logout")
def logout(request: Request, context: Context) -> Response:
    """Log out and show the login form."""
    response = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    close_session(context, request, response)
    return response


@router.get("/language/{language}")
def choose_language(language: Language, request: Request) -> Response:
    """Remember the language and go back to the page that asked."""
    response = RedirectResponse(_page_before(request), HTTPStatus.SEE_OTHER)
    response.set_cookie(_LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="lax", httponly=True)
    return response


def _page_before(request: Request) -> str:
    before = urlsplit(request.headers.get("referer", ""))
    if (
        before.netloc != request.url.netloc
        or not before.path.startswith("/")
        or before.path.startswith("//")
    ):
        return "/"
    return f"{before.path}?{before.query}" if before.query else before.path


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


def _device(context: ApiContext, caller: Caller, device: str | None) -> dict[str, Any]:
    if not device:
        return {"device": None, "device_id": None}
    try:
        document = device_with_values(context, caller, device)
    except NotFoundError:
        return {"device": None, "device_id": device}
    return {"device": document, "device_id": device, "plotted": PLOTTED}


def _language(request: Request) -> Language:
    wanted = request.cookies.get(_LANGUAGE_COOKIE)
    return next((language for language in LANGUAGES if language == wanted), "zh")


def _render(
    request: Request, template: str, values: dict[str, Any], status: HTTPStatus = HTTPStatus.OK
) -> Response:
    language = _language(request)
    zone = request.app.state.context.terms.zone
    context = {
        "missing_assets": missing(),
        "language": language,
        "t": partial(text, language),
        "zone": zone,
        **values,
    }
    return _templates.TemplateResponse(request, template, context, status)


def _gone() -> Response:
    """Sends a browser whose session has ended to the login, also from a fragment."""
    return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": "/login"})
