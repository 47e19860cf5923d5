"""The gateway's metrics, in the text format of Prometheus (version 0.0.4)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway_agent.commands.command_queue import CommandQueue
from gateway_agent.polling.line import PolledLine
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.uplink.journal import Journal
from gateway_agent.uplink.journal_writer import JournalWriter
from gateway_agent.uplink.publisher import Publisher

_PREFIX: Final = "hearthwatch_gateway"


@dataclass(frozen=True, slots=True)
class Metric:
    """One number under `name` (counters end in `_total`) and `labels`."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def gateway_metrics(
    journal: Journal,
    writer: JournalWriter,
    publisher: Publisher,
    commands: CommandQueue,
    lines: Sequence[PolledLine],
) -> Iterator[Metric]:
    """Every metric of the running gateway at this moment."""
    yield Metric(f"{_PREFIX}_journal_messages", journal.depth)
    yield Metric(f"{_PREFIX}_journal_last_seq", journal.last)
    yield Metric(f"{_PREFIX}_journal_evicted_total", journal.evicted)
    yield Metric(f"{_PREFIX}_readings_not_journalled_total", writer.lost)
    yield Metric(f"{_PREFIX}_watermark_seq", publisher.watermark)
    yield Metric(f"{_PREFIX}_broker_connected", 1 if publisher.connected else 0)
    yield Metric(f"{_PREFIX}_clock_synchronised", 1 if writer.clock_synchronised else 0)
    for outcome, count in sorted(dict(commands.counts).items()):
        yield Metric(f"{_PREFIX}_commands_total", count, {"outcome": outcome})
    for line in lines:
        yield Metric(f"{_PREFIX}_quarantined_units", line.quarantined, {"line": line.name})
        for code, count in sorted(line.errors.items()):
            yield Metric(f"{_PREFIX}_bus_errors_total", count, {"line": line.name, "code": code})
        for unit in line.units:
            yield from _limits_of(unit, {"line": line.name, "unit": unit.name})


def _limits_of(unit: PolledUnit, labels: Mapping[str, str]) -> Iterator[Metric]:
    """The blocks that are cut because `unit` refuses them whole, and each register given up."""
    yield Metric(f"{_PREFIX}_cut_blocks", len(unit.learnt.borders), labels)
    for table, address in sorted(unit.learnt.illegal):
        register = {**labels, "table": table, "address": str(address)}
        yield Metric(f"{_PREFIX}_given_up_register", 1, register)


def metrics_page(metrics: Iterable[Metric]) -> str:
    """The page that a scraper reads; metrics of one name stand together."""
    by_name: dict[str, list[Metric]] = {}
    for metric in metrics:
        by_name.setdefault(metric.name, []).append(metric)
    lines = []
    for name, group in by_name.items():
        lines.append(f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}")
        lines += [f"{name}{_labels(metric.labels)} {metric.value}" for metric in group]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
