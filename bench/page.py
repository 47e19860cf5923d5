"""From a register to the page: the time from the poll of a fault to its ticket in a browser.

`python -m bench.page [--quick]`. Chromium runs on the same cores as everything else.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.system import PASSWORD, USER, BenchLine, system
from bench.table import Row, print_table
from tests.servers import free_port, wait_until

FIRST_FAULT_S = 25
STEP_S = 0.7
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]

# Runs in the page, and notes when the ticket of each device first appears.
OBSERVE = """() => {
  window.seen = {};
  const note = () => document.querySelectorAll('#tickets li.ticket .where a').forEach(a => {
    window.seen[a.textContent] ??= Date.now();
  });
  new MutationObserver(note).observe(
    document.body, {childList: true, subtree: true, characterData: true});
  note();
}"""


def rows(quick: bool = False) -> list[Row]:
    """Return median and 99th percentile over one fault on each of many units."""
    units = 30 if quick else 120
    line = BenchLine(units, serial=False, name="u", port=free_port())
    events = "".join(
        f'[[event]]\nat = "{FIRST_FAULT_S + STEP_S * unit:.1f}s"\nunit = {unit}\n'
        'fault = "high_pressure"\n'
        for unit in range(1, units + 1)
    )
    with (
        tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder,
        system(Path(folder)) as bench_system,
    ):
        bench_system.serve()
        bench_system.simulate([line], events)
        bench_system.run_gateway([line], "5s")
        seen = _watch(bench_system.console, units)
        delays = sorted(_delays(bench_system.truth(), seen))
    note = f"{len(delays)} faults, one every {STEP_S:g} s; from the poll to the ticket in Chromium"
    return [
        Row("poll to ticket on the page, median", median(delays), "ms", "", note),
        Row(
            "poll to ticket on the page, p99",
            delays[int(0.99 * (len(delays) - 1))],
            "ms",
            "≤ 1,000",
            note,
        ),
        Row("poll to ticket on the page, worst", delays[-1], "ms", "", note),
    ]


def _watch(console: str, units: int) -> dict[str, int]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        page = browser.new_page()
        page.goto(f"{console}/login")
        page.fill("input[name=name]", USER)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("#tickets")
        page.evaluate(OBSERVE)
        wait_until(lambda: len(_seen(page)) >= units, FIRST_FAULT_S + STEP_S * units + 60)
        seen = _seen(page)
        browser.close()
        return seen


def _seen(page: Page) -> dict[str, int]:
    seen: dict[str, int] = page.evaluate("window.seen")
    return seen


def _delays(truth: list[dict[str, Any]], seen: dict[str, int]) -> list[int]:
    first: dict[str, int] = {}
    for line in truth:
        if line["type"] == "read" and line["faults"]:
            first.setdefault(line["device"], line["at"])
    return [seen[device] - at for device, at in first.items()]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer faults")
    print_table(rows(parser.parse_args().quick))


if __name__ == "__main__":
    main()
