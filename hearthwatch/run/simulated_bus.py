"""The process `simulate bus`: heat pumps behind Modbus lines."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from pydantic import ValidationError

from configuration.mistakes import explain
from hearthwatch.base.errors import UsageError
from simulators.live.service import SimulatorService
from simulators.live.settings import SimulationSettings
from simulators.unit.quirks import CATALOGUE, Quirk

_log = structlog.get_logger()


def run_bus(settings: SimulationSettings, stop: threading.Event) -> None:
    """Serve until `stop` is set, and log where each line answers.

    Raises UsageError for a line that cannot be opened.
    """
    try:
        service = SimulatorService(settings)
    except OSError as error:
        raise UsageError(f"cannot open the line: {error}") from error
    service.run(stop, on_ready=lambda: _log_lines(settings, service.tcp_ports))


def _log_lines(settings: SimulationSettings, tcp_ports: list[int]) -> None:
    ports = iter(tcp_ports)
    for line in settings.line:
        where = str(line.pty) if line.pty is not None else f"port {next(ports)}"
        _log.info(
            "line_answers",
            where=where,
            profile=line.profile,
            addresses=[unit.address for unit in line.unit],
        )


@contextmanager
def mistakes_by_option() -> Iterator[None]:
    """Turn a ValidationError of settings made from options into a UsageError that names them."""
    try:
        yield
    except ValidationError as error:
        mistakes = explain(error, {}, SimulationSettings)
        messages = (f"{_option(key)}: {message}" for key, message in mistakes)
        raise UsageError("; ".join(messages)) from error


def _option(key: str) -> str:
    """Return the option that a dotted key of the settings comes from."""
    names = [name for name in re.findall("[a-z_]+", key) if name != "line"]
    if not names:
        return "--pty, --tcp, --rtu-tcp"
    return "--units, --first-address" if names[0] == "unit" else f"--{names[0].replace('_', '-')}"


def quirk_names(text: str) -> tuple[str, ...]:
    """Return the quirks in a text like `late:0.02, silence`."""
    return tuple(quirk.strip() for quirk in text.split(",") if quirk.strip())


def quirk_list() -> str:
    """Return a line for each quirk of `simulate bus`: its name, default number and meaning."""
    rows = [(_with_number(quirk), quirk.help) for quirk in CATALOGUE.values()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {explanation}" for name, explanation in rows)


def _with_number(quirk: Quirk) -> str:
    return f"{quirk.name}:{quirk.number:g} {quirk.measure}" if quirk.measure else quirk.name
