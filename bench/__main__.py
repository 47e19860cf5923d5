"""`python -m bench [--quick] [PART ...]`: every benchmark, one after the other, in one table."""

import argparse
import sys
import time

from bench import bus, fleet, gateway, ingest, page, physics, pressure, replay, rules, season, store
from bench.table import Row, print_table

PARTS = {
    "ingest": ingest.rows,
    "rules": rules.rows,
    "replay": replay.rows,
    "bus": bus.rows,
    "fleet": fleet.rows,
    "gateway": gateway.rows,
    "page": page.rows,
    "physics": physics.rows,
    "pressure": pressure.rows,
    "season": season.rows,
    "store": store.rows,
}


def main() -> None:
    """Run the parts asked for, report each while it runs, and print all figures."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, for a first look")
    options = parser.parse_args()
    if unknown := set(options.part) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    figures: list[Row] = []
    for name in options.part or PARTS:
        started = time.monotonic()
        sys.stderr.write(f"measuring {name} …\n")
        for row in PARTS[name](options.quick):
            figures.append(row)
            sys.stderr.write(
                f"  {time.monotonic() - started:4.0f} s  {row.name}: {row.value:.4g} {row.unit}\n"
            )
    print_table(figures)


if __name__ == "__main__":
    main()
