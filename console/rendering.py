"""Renders templates in the language of the reader."""

from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from fastapi.templating import Jinja2Templates

from api import note_refusal
from console.assets import missing
from console.show import date_and_minute, date_and_time, iso, measured
from console.texts import LANGUAGES, Language, text

LANGUAGE_COOKIE: Final = "hearthwatch_language"

_templates: Final = Jinja2Templates(Path(__file__).parent / "templates")
_templates.env.filters |= {
    "measured": measured,
    "date_and_time": date_and_time,
    "date_and_minute": date_and_minute,
    "iso": iso,
}
_templates.env.trim_blocks = _templates.env.lstrip_blocks = True


def language_of(request: Request) -> Language:
    """The language that the reader has chosen, Chinese at first."""
    wanted = request.cookies.get(LANGUAGE_COOKIE)
    return next((language for language in LANGUAGES if language == wanted), "zh")


def render(
    request: Request, template: str, values: dict[str, Any], status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """Answer with a template; `t` in it gives a text of the catalogue."""
    language = language_of(request)
    zone = request.app.state.context.terms.zone
    context = {
        "missing_assets": missing(),
        "language": language,
        "t": partial(text, language),
        "zone": zone,
        **values,
    }
    return _templates.TemplateResponse(request, template, context, status)


def gone(request: Request) -> Response:
    """Sends a browser whose session has ended to the login, also from a fragment."""
    note_refusal(request, HTTPStatus.UNAUTHORIZED, "not_logged_in")
    return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": "/login"})
