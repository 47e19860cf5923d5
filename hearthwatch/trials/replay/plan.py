"""What a replay is to evaluate: the rules, the period and the blocks of villages."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alerts.rulebook import load_rules
from alerts.settings import RulesSettings
from hearthwatch.base.errors import UsageError
from hearthwatch.base.periods import parse_length, parse_period
from hearthwatch.run.server_settings import ServerSettings
from hearthwatch.trials.replay.blocks import ReplayBlock, cut_blocks, find_devices
from hearthwatch.trials.replay.options import ReplayOptions
from ingest.store import StoredReading, StoreSettings, open_store
from rules.document.rule import Rule
from rules.presence.rules import DeviceOfflineRule, GatewayOfflineRule, VillageOutageRule
from rules.readings.season import Season
from rules.watches.device_rule import DeviceRule
from wire.wall_clock import wall_clock_ms

_SILENCE: Final = (DeviceOfflineRule, GatewayOfflineRule, VillageOutageRule)


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What all blocks share; times are UTC ms.

    Readings are evaluated in `begin <= at < until`; alerts count from `since`. `against` holds only
    the rules that differ; it is None without a comparison. `silence` is whether the rules over
    silence are evaluated too.
    """

    store: StoreSettings
    rules: Sequence[Rule]
    against: Sequence[Rule] | None
    season: Season
    begin: int
    since: int
    until: int
    silence: bool

    @property
    def skipped(self) -> list[str]:
        """The ids of the rules that stored readings alone cannot replay."""
        kinds = (DeviceRule, *_SILENCE) if self.silence else (DeviceRule,)
        return [rule.id for rule in self.rules if not isinstance(rule, kinds)]


def plan_replay(
    options: ReplayOptions, settings: ServerSettings, workers: int
) -> tuple[ReplayPlan, list[ReplayBlock]]:
    """Return the plan and the blocks to evaluate, for so many processes.

    Raises UsageError, ConfigurationError and StoreUnavailable.
    """
    rules = _rules(options.rules, settings)
    against = _changed(rules, options.against) if options.against else None
    zone = settings.season.zone
    since, until = parse_period(options.since, options.until, zone, wall_clock_ms())
    newest, blocks = _find_blocks(settings.store, options, workers)
    last = max((stored.reading.at for stored in newest.values()), default=since)
    plan = ReplayPlan(
        store=settings.store,
        rules=rules,
        against=against,
        season=settings.season.to_season(),
        begin=since - parse_length("--warm-up", options.warm_up),
        since=since,
        until=min(until, last + 1),
        silence=not options.devices,
    )
    return plan, blocks


def _rules(files: Sequence[Path], settings: ServerSettings) -> list[Rule]:
    return load_rules(RulesSettings(files=list(files)) if files else settings.rules)


def _changed(rules: Sequence[Rule], files: Sequence[Path]) -> list[Rule]:
    """Return the rules in `files` that differ from the rule of the same id.

    The rules over silence depend on each other: if one differs, all of them are returned.
    """
    before = {rule.id: rule for rule in rules}
    others = load_rules(RulesSettings(files=list(files)))
    changed = {rule.id: rule for rule in others if before.get(rule.id) != rule}
    if any(isinstance(rule, _SILENCE) for rule in changed.values()):
        silent = {rule.id: rule for rule in rules if isinstance(rule, _SILENCE)}
        changed = silent | changed
    return list(changed.values())


def _find_blocks(
    settings: StoreSettings, options: ReplayOptions, workers: int
) -> tuple[dict[str, StoredReading], list[ReplayBlock]]:
    if isinstance(settings.target, Path) and not settings.target.is_file():
        raise UsageError(f"{settings.target}: there is no such reading store; see [store] url")
    store = open_store(settings)
    try:
        newest = find_devices(store, options.villages, options.devices)
        return newest, cut_blocks(store, newest, workers)
    finally:
        store.close()
