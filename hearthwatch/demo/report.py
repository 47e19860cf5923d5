"""The demo's report (contract §11 "Demo"); pure."""

from typing import Any

from hearthwatch.demo.observe import Observed
from simulators.verify import Verification


def demo_report(ready_s: float, observed: Observed, verification: Verification) -> dict[str, Any]:
    """What the demo did, as the JSON document of `--report`; `ready_s` is the set-up time in
    seconds."""
    return {
        "ready_s": round(ready_s, 1),
        "devices": len(observed.devices),
        "readings_stored": observed.readings,
        "alerts": observed.alerts_by_rule,
        "tickets": observed.tickets,
        **verification.to_document(),
    }
