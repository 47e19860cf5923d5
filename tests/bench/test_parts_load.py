"""Every part of the benchmarks loads and starts: imports, profiles, rules, simulator, processes."""

import importlib
import pkgutil
from pathlib import Path

import pytest

import bench
from bench.__main__ import PARTS
from bench.bus import PROFILE
from bench.physics import time_block
from bench.store import MAPS, village_hours
from bench.system import BenchLine, system
from bench.winter_night import device_rules, polls
from tests.servers import wait_until

MODULES = [module.name for module in pkgutil.iter_modules(bench.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_can_be_imported(name: str) -> None:
    importlib.import_module(f"bench.{name}")


def test_every_part_has_rows() -> None:
    assert all(callable(rows) for rows in PARTS.values())


def test_the_profile_of_the_bus_has_points() -> None:
    assert PROFILE.points


def test_an_hour_of_every_brand_holds_values() -> None:
    (hour,) = village_hours(len(MAPS), 1)
    assert len({stored.reading.device for stored in hour if stored.reading.values}) == len(MAPS)


def test_the_night_of_the_rules_and_the_physics_begin() -> None:
    assert device_rules()
    assert len(polls(10, 30_000, 2)) == 2
    assert min(time_block(8, 1)) > 0


def test_the_system_of_the_page_and_the_gateway_starts(tmp_path: Path) -> None:
    line = BenchLine(1, serial=True, name="a")
    with system(tmp_path) as started:
        started.simulate([line])
        started.run_gateway([line], "1s")
        wait_until(lambda: any("read" in str(event) for event in started.truth()), 30)
