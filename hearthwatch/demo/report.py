"""The demo's report (contract §11 "Demo"); pure."""

from typing import Any

from hearthwatch.demo.observe import DemoCounts
from simulators.verify import Verification


def demo_report(ready_s: float, counts: DemoCounts, verification: Verification) -> dict[str, Any]:
    """Return the JSON document of `--report`; `ready_s` is the set-up time in seconds."""
    return {
        "ready_s": round(ready_s, 1),
        "devices": len(counts.devices),
        "readings_stored": counts.readings,
        "alerts": counts.alerts_by_rule,
        "tickets": counts.tickets,
        **verification.to_document(),
    }
