"""Each shipped scenario of a district shows what it is for."""

import datetime as dt
from collections import Counter

import pytest

from hearthwatch.trials.season.evaluate import SeasonBlockResult, evaluate
from hearthwatch.trials.season.plan import SeasonPlan
from simulators.scenario.scenario import load_scenario
from simulators.season.block import BlockSeason
from simulators.season.layout import blocks
from simulators.season.span import SeasonSpan
from tests.rules.shipped import shipped_rules
from tests.simulators.village import SCENARIOS

SHANGHAI = dt.timezone(dt.timedelta(hours=8))


def run(name: str, start: str, days: int, units: int) -> SeasonBlockResult:
    scenario = load_scenario(SCENARIOS / f"{name}.toml")
    begin = round(dt.datetime.fromisoformat(start).replace(tzinfo=SHANGHAI).timestamp() * 1000)
    span = SeasonSpan(begin, days, 300_000)
    block = blocks(scenario.fleet, units)[0]
    return evaluate(SeasonPlan(scenario, shipped_rules(), span, 1), block, lambda _: None)


def raised(judged: SeasonBlockResult) -> Counter[str]:
    return Counter(alert.rule for alert in judged.alerts)


def test_a_quiet_week_is_quiet() -> None:
    assert run("quiet-week", "2025-12-08", 7, 120).alerts == []


def test_a_cold_wave_cools_houses_in_truth_and_in_alerts() -> None:
    judged = run("cold-wave", "2026-01-10", 6, 60)
    cold = judged.score.classes["low_room"]
    assert cold.injected >= 5
    assert cold.recall == 1.0
    assert cold.false == 0


def test_a_village_without_power_is_one_alert() -> None:
    judged = run("village-outage", "2026-01-10", 3, 240)
    rules = raised(judged)
    assert (rules["village_outage"], rules["gateway_offline"], rules["device_offline"]) == (1, 1, 0)
    assert judged.score.classes["village_outage"].recall == 1.0
    assert judged.score.classes["gateway_death"].recall == 1.0
    assert judged.score.false_alerts == []


def test_a_defrost_storm_raises_the_share_of_defrosting_in_truth_too() -> None:
    judged = run("defrost-storm", "2025-12-01", 5, 60)
    behind = {kind for kind, signs in judged.score.confusion.items() if signs["defrost_share"]}
    assert "heavy_defrost" in behind
    assert judged.score.false_alerts == []


def test_on_a_bad_line_only_long_silences_are_told() -> None:
    judged = run("bad-line", "2025-12-01", 5, 120)
    losses = judged.score.classes["communication_loss"]
    assert losses.injected >= 5
    assert losses.recall == losses.precision == 1.0
    assert losses.unasked > 5 * losses.injected  # those of a few minutes
    assert judged.score.false_alerts == []


@pytest.fixture(scope="module")
def township() -> BlockSeason:
    scenario = load_scenario(SCENARIOS / "season-of-a-township.toml")
    start = round(dt.datetime(2025, 11, 1, tzinfo=SHANGHAI).timestamp() * 1000)
    return BlockSeason(
        scenario, blocks(scenario.fleet, 2_880)[0], SeasonSpan(start, 151, 300_000), 1
    )


def test_a_township_meets_every_fault_in_a_season(township: BlockSeason) -> None:
    scenario = load_scenario(SCENARIOS / "season-of-a-township.toml")
    met = Counter(
        event.detail.partition(":")[0] if event.cause == "fault" else event.cause
        for event in township.events
    )
    assert met.keys() == {chance.kind for chance in scenario.random}
    assert sum(met.values()) > 300
    assert {profile for profile, share in scenario.fleet.profiles.items() if share > 0} >= {
        "midea-mthermal",
        "phnix",
    }
