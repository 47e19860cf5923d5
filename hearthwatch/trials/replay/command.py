"""`rules replay` as a whole: what was asked for, the blocks at work behind a progress bar, and what
is written."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from alerts.rulebook import load_rules
from alerts.settings import RulesSettings
from hearthwatch.base.errors import UnreachableError, UsageError
from hearthwatch.base.outputs import check_output, check_picture
from hearthwatch.base.parallel import spread
from hearthwatch.base.periods import parse_length, parse_period
from hearthwatch.base.progress import progress_bar
from hearthwatch.run.server_settings import ServerSettings
from hearthwatch.trials.replay.judge import judge
from hearthwatch.trials.replay.plan import Block, Plan, blocks, find_devices
from hearthwatch.trials.replay.result import Replayed
from ingest.store import StoredReading, StoreSettings, StoreUnavailable, open_store
from rules.document.rule import Rule
from rules.presence.rules import DeviceOfflineRule, GatewayOfflineRule, VillageOutageRule
from rules.watches.device_rule import DeviceRule
from wire.units import DAY_MS
from wire.wall_clock import wall_clock_ms

_SILENCE: Final = (DeviceOfflineRule, GatewayOfflineRule, VillageOutageRule)


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What was asked for; the texts as they were written."""

    since: str
    until: str | None
    warm_up: str
    rules: Sequence[Path]
    against: Sequence[Path]
    villages: Sequence[str]
    devices: Sequence[str]
    workers: int | None = None
    csv: Path | None = None
    picture: Path | None = None


def replay(options: ReplayOptions, settings: ServerSettings) -> Replayed:
    """What the rules would have raised; raises UsageError, ConfigurationError and
    UnreachableError."""
    check_output("--csv", options.csv)
    check_picture(options.picture)
    rules = _rules(options.rules, settings)
    against = (
        _changed(rules, load_rules(RulesSettings(files=list(options.against))))
        if options.against
        else None
    )
    zone = ZoneInfo(settings.season.timezone)
    since, until = parse_period(options.since, options.until, zone, wall_clock_ms())
    workers = options.workers or os.cpu_count() or 1
    try:
        found, cut = _find(settings.store, options, workers)
        until = min(until, 1 + max((one.reading.at for one in found.values()), default=since))
        plan = Plan(
            settings.store,
            rules,
            against,
            settings.season.to_season(),
            since - parse_length("--warm-up", options.warm_up),
            since,
            until,
            silence=not options.devices,
        )
        result = _run(plan, cut, found, workers)
    except StoreUnavailable as error:
        raise UnreachableError(f"the reading store does not answer: {error}") from error
    _write(options, result, zone)
    return result


def _rules(files: Sequence[Path], settings: ServerSettings) -> list[Rule]:
    return load_rules(RulesSettings(files=list(files)) if files else settings.rules)


def _changed(rules: Sequence[Rule], others: Sequence[Rule]) -> list[Rule]:
    """Those of `others` that differ from the rule of the same id; with a rule over silence all of
    these."""
    before = {rule.id: rule for rule in rules}
    changed = {rule.id: rule for rule in others if before.get(rule.id) != rule}
    if any(isinstance(rule, _SILENCE) for rule in changed.values()):
        silent = {rule.id: rule for rule in rules if isinstance(rule, _SILENCE)}
        changed = silent | changed
    return list(changed.values())


def _find(
    settings: StoreSettings, options: ReplayOptions, workers: int
) -> tuple[dict[str, StoredReading], list[Block]]:
    if isinstance(settings.target, Path) and not settings.target.is_file():
        raise UsageError(f"{settings.target}: there is no such reading store; see [store] url")
    store = open_store(settings)
    try:
        found = find_devices(store, options.villages, options.devices)
        return found, blocks(store, found, workers)
    finally:
        store.close()


def _run(
    plan: Plan, cut: Sequence[Block], found: dict[str, StoredReading], workers: int
) -> Replayed:
    places = {device: one.place for device, one in found.items()}
    judged_kinds = (DeviceRule, *_SILENCE) if plan.silence else (DeviceRule,)
    skipped = [rule.id for rule in plan.rules if not isinstance(rule, judged_kinds)]
    changed = None if plan.against is None else [rule.id for rule in plan.against]
    result = Replayed(plan.since, plan.until, places, skipped, changed)
    if plan.begin < plan.until:
        device_ms = (plan.until - plan.begin) * len(places)
        with progress_bar(
            "replaying", device_ms, lambda pace: f"{pace / DAY_MS:,.1f} unit-days/s"
        ) as progress:
            for judged in spread(judge, plan, cut, workers, progress):
                result.add(judged)
    return result


def _write(options: ReplayOptions, result: Replayed, zone: ZoneInfo) -> None:
    try:
        if options.csv is not None:
            result.write_csv(options.csv, zone)
        if options.picture is not None:
            from hearthwatch.trials.replay.picture import draw  # matplotlib takes a second to load

            draw(options.picture, result, zone)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
