"""What the running gateway shows about itself."""

from collections.abc import Iterator

from gateway_agent.service import RunningGateway
from gateway_agent.status.kernel_clock import is_synchronised
from gateway_agent.status.metrics import Metric

_PREFIX = "hearthwatch_gateway"


def figures_of(parts: RunningGateway) -> Iterator[Metric]:
    """Every figure of the gateway at this moment."""
    yield Metric(f"{_PREFIX}_journal_messages", parts.journal.depth)
    yield Metric(f"{_PREFIX}_journal_last_seq", parts.journal.last)
    yield Metric(f"{_PREFIX}_journal_evicted_total", parts.journal.evicted)
    yield Metric(f"{_PREFIX}_readings_not_journalled_total", parts.keeper.lost)
    yield Metric(f"{_PREFIX}_watermark_seq", parts.publisher.watermark)
    yield Metric(f"{_PREFIX}_broker_connected", int(parts.publisher.connected))
    yield Metric(f"{_PREFIX}_clock_synchronised", int(is_synchronised()))
    for outcome, count in sorted(dict(parts.desk.counts).items()):
        yield Metric(f"{_PREFIX}_commands_total", count, {"outcome": outcome})
    for line in parts.lines:
        yield Metric(f"{_PREFIX}_quarantined_units", line.quarantined, {"line": line.name})
        for code, count in sorted(line.errors.items()):
            yield Metric(f"{_PREFIX}_bus_errors_total", count, {"line": line.name, "code": code})
