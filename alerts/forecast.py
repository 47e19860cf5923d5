"""The district's weather forecast, read regularly from a file or a web server.

`rules.forecast` has its form.
"""

import json
import threading
import urllib.request
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError

import structlog

from alerts.settings import ForecastSettings
from configuration.outage_log import OutageLog
from rules.forecast.forecast import WeatherForecast, parse_forecast

_log = structlog.get_logger()

_TIMEOUT_S: Final = 20.0
_LARGEST: Final = 1_048_576
"""Bytes of a forecast; a year of hours is less."""


class ForecastUnavailableError(Exception):
    """The source has no forecast; the message says why."""


def read_forecast(source: str) -> WeatherForecast:
    """The forecast at a path or http(s) URL; raises ForecastUnavailableError."""
    try:
        text = _fetch(source)
        if len(text) > _LARGEST:
            raise ForecastUnavailableError(f"{source} is larger than {_LARGEST} bytes")
        return parse_forecast(json.loads(text))
    except (OSError, URLError) as error:
        raise ForecastUnavailableError(f"{source} cannot be read: {error}") from error
    except ValueError as error:
        raise ForecastUnavailableError(f"{source} is no forecast: {error}") from error


def _fetch(source: str) -> bytes:
    if not ForecastSettings.is_url(source):
        with Path(source).open("rb") as file:
            return file.read(_LARGEST + 1)
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(source, timeout=_TIMEOUT_S) as answer:
        text: bytes = answer.read(_LARGEST + 1)
        return text


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: where the server connects is what its configuration says."""

    def redirect_request(self, *request: Any) -> None:
        """Return None: the answer is an HTTPError with the status of the redirect."""


class ForecastReader:
    """Keeps the newest forecast; `run` has a thread of its own, so that it delays no alert."""

    def __init__(self, settings: ForecastSettings) -> None:
        self._settings = settings
        self._outage = OutageLog(_log, "forecast_lost", "forecast_back")
        self.newest: WeatherForecast | None = None

    def run(self, stop: threading.Event) -> None:
        """Read the forecast regularly until `stop` is set; return at once without a source."""
        while self._settings.source:
            self.read()
            if stop.wait(self._settings.every / 1_000):
                return

    def read(self) -> None:
        """Read it once; without an answer the newest forecast stays, and the rules see its age."""
        try:
            self.newest = read_forecast(self._settings.source)
        except ForecastUnavailableError as error:
            self._outage.lost(str(error), source=self._settings.source)
        else:
            self._outage.back(source=self._settings.source)
