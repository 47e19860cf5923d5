"""The table that `ingest status` prints."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from rich.table import Table

from hearthwatch.base.terminal import Terminal
from ingest.reception.tally import Tallies
from ingest.status import GatewayStatus, counts_document

_COLUMNS = ("heard", "upto", "missing", "messages", "readings", "again", "lost", "rejected")


def print_status(gateways: list[GatewayStatus], tallies: Tallies, zone: tzinfo) -> None:
    """Print a line for each gateway, the totals, each gap, and the dead letters by code.

    Times are in `zone`.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("gateway", overflow="fold")
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for gateway in gateways:
        table.add_row(*_row(gateway, zone))
    total = tallies.total()
    missing = sum(gateway.missing for gateway in gateways)
    table.add_row(f"{len(gateways)} gateways", "", "", *_numbers(missing, total), style="bold")
    console = Terminal()
    console.print(table)
    for line in _details(gateways, counts_document(total)):
        console.print(line, highlight=False, markup=False)


def _row(gateway: GatewayStatus, zone: tzinfo) -> list[str]:
    upto = next((str(epoch.upto) for epoch in gateway.epochs if epoch.current), "")
    numbers = _numbers(gateway.missing, gateway.counts)
    return [gateway.name, _time(gateway.heard, zone), upto, *numbers]


def _numbers(missing: int, counts: Mapping[str, int]) -> list[str]:
    shown = counts_document(counts)
    again = shown["redelivered"] + shown["resent"]
    rejected = sum(shown["rejected"].values())
    numbers = (missing, shown["messages"], shown["readings"], again, shown["lost"], rejected)
    return [str(number) for number in numbers]


def _details(gateways: list[GatewayStatus], totals: dict[str, Any]) -> list[str]:
    gaps = [
        f"gap: {gateway.name} epoch {epoch.epoch}: {first} to {last}"
        for gateway in gateways
        for epoch in gateway.epochs
        for first, last in epoch.gaps
    ]
    held = [
        f"held: {gateway.held} readings of {gateway.name}; decide with hearthwatch box"
        for gateway in gateways
        if gateway.held
    ]
    dead = [f"dead letters: {count} × {code}" for code, count in sorted(totals["rejected"].items())]
    points = [
        f"points moved to bad: {count} × {reason}"
        for reason, count in sorted(totals["bad_points"].items())
    ]
    return [*gaps, *held, *dead, *points]


def _time(at: int | None, zone: tzinfo) -> str:
    if at is None:
        return ""
    return datetime.fromtimestamp(at / 1000, zone).strftime("%m-%d %H:%M:%S")
