"""The district's weather forecast, read again and again from a file or a web server
(`rules.forecast.forecast` has its form)."""

import json
import threading
import urllib.request
from pathlib import Path
from typing import Final
from urllib.error import URLError

import structlog

from alerts.settings import ForecastSettings
from rules.forecast.forecast import WeatherForecast, parse_forecast

_log = structlog.get_logger()

_TIMEOUT_S: Final = 20.0
_LARGEST: Final = 1_048_576
"""Bytes of a forecast; a year of hours is less."""


class ForecastUnavailableError(Exception):
    """There is no forecast to be had at the source; the message says why."""


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
    with urllib.request.urlopen(source, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - a fixed http address
        text: bytes = answer.read(_LARGEST + 1)
        return text


class ForecastReader:
    """Keeps the newest forecast; `run` belongs in a thread of its own, for a slow server must not
    delay alerts."""

    def __init__(self, settings: ForecastSettings) -> None:
        self._settings = settings
        self._missing = False
        self.newest: WeatherForecast | None = None

    def run(self, stop: threading.Event) -> None:
        """Read the forecast every `every` until `stop` is set; returns at once where none is
        configured."""
        while self._settings.source:
            self.read()
            if stop.wait(self._settings.every / 1_000):
                return

    def read(self) -> None:
        """Read it once; without an answer the newest one stays, and its age decides what it still
        says."""
        try:
            self.newest = read_forecast(self._settings.source)
        except ForecastUnavailableError as error:
            if not self._missing:
                _log.warning("no forecast; extreme cold cannot be proposed", reason=str(error))
            self._missing = True
        else:
            if self._missing:
                _log.info("the forecast is back", source=self._settings.source)
            self._missing = False
