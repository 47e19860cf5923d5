"""The demo's layout and files: every unit once, every file good, every line within its time."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.load import load
from gateway_agent.polling.bus_budget import check_gateway
from gateway_agent.profile.loading import load_profiles
from gateway_agent.settings import GatewaySettings
from hearthwatch.base.resources import find_scenario, profile_folders
from hearthwatch.demo import files
from hearthwatch.demo.layout import plan_layout
from hearthwatch.run.server_settings import load_server_settings
from simulators.live.settings import SimulationSettings


@given(st.integers(4, 600))
def test_every_unit_stands_once_and_no_village_has_a_lone_gateway(units: int) -> None:
    gateways = plan_layout(units)
    devices = [device for gateway in gateways for device in gateway.devices]
    assert len(devices) == len(set(devices)) == units
    assert len(gateways) >= 2
    villages = [gateway.village for gateway in gateways]
    assert all(villages.count(village) >= 2 for village in villages)
    assert all(any(line.serial for line in gateway.lines) for gateway in gateways)
    assert any(not line.serial for line in gateways[0].lines)


def test_too_few_units_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        plan_layout(3)


@pytest.mark.parametrize("units", [4, 60, 200])
def test_every_file_of_the_demo_is_good_and_every_line_has_time(units: int, tmp_path: Path) -> None:
    gateways = plan_layout(units)
    ports = {line.name: 5020 for gateway in gateways for line in gateway.lines}
    for gateway in gateways:
        path = tmp_path / f"{gateway.name}.toml"
        path.write_text(files.gateway_toml(gateway, tmp_path, "mqtt://127.0.0.1:1883", ports))
        loaded = load(path, GatewaySettings, {})
        report = check_gateway(
            loaded, load_profiles(loaded.profile_references(), profile_folders(), path), path
        )
        assert report.problems == ()
    server = tmp_path / "server.toml"
    server.write_text(files.server_toml("mqtt://127.0.0.1:1883", 8080))
    assert load_server_settings(server).http.port == 8080
    simulation = tmp_path / "simulation.toml"
    simulation.write_text(
        files.simulation_toml(
            gateways, tmp_path, ports, find_scenario("demo"), 1, 1.0, ["echo", "noise:0.1"]
        )
    )
    lines = load(simulation, SimulationSettings, {}).line
    assert sum(len(line.unit) for line in lines) == units
    assert [line.quirks for line in lines if line.quirks] == [("echo", "noise:0.1")]


def test_a_quirk_of_tcp_goes_to_the_tcp_line(tmp_path: Path) -> None:
    gateways = plan_layout(8)
    ports = {line.name: 5020 for gateway in gateways for line in gateway.lines}
    simulation = tmp_path / "simulation.toml"
    simulation.write_text(
        files.simulation_toml(
            gateways, tmp_path, ports, find_scenario("demo"), 1, 1.0, ["idle_close:3"]
        )
    )
    lines = load(simulation, SimulationSettings, {}).line
    assert [line.tcp for line in lines if line.quirks] == ["127.0.0.1:5020"]
