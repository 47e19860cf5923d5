"""`rules replay` as a whole: plan, evaluate blocks behind a progress bar, write the files."""

from zoneinfo import ZoneInfo

from hearthwatch.base.errors import UnreachableError
from hearthwatch.base.output_files import check_output, check_picture, written_by
from hearthwatch.base.parallel import spread, worker_count
from hearthwatch.base.progress import progress_bar
from hearthwatch.run.server_settings import ServerSettings
from hearthwatch.trials.replay.blocks import ReplayBlock
from hearthwatch.trials.replay.evaluate import evaluate
from hearthwatch.trials.replay.options import ReplayOptions
from hearthwatch.trials.replay.plan import ReplayPlan, plan_replay
from hearthwatch.trials.replay.result import ReplayResult
from ingest.store import StoreUnavailable
from wire.units import DAY_MS


def replay(options: ReplayOptions, settings: ServerSettings) -> ReplayResult:
    """Return the alerts that the rules would have raised, and write the files asked for.

    Raises UsageError, ConfigurationError and UnreachableError.
    """
    check_output("--csv", options.csv)
    check_picture(options.picture)
    workers = worker_count(options.workers)
    try:
        plan, blocks = plan_replay(options, settings, workers)
        result = _evaluate(plan, blocks, workers)
    except StoreUnavailable as error:
        raise UnreachableError(f"the reading store does not answer: {error}") from error
    _write(options, result, settings.season.zone)
    return result


def _evaluate(plan: ReplayPlan, blocks: list[ReplayBlock], workers: int) -> ReplayResult:
    result = ReplayResult.empty(plan, blocks)
    device_ms = (plan.until - plan.begin) * len(result.places)
    if device_ms <= 0:
        return result
    with progress_bar("replaying", device_ms, _pace) as progress:
        for block_result in spread(evaluate, plan, blocks, workers, progress):
            result.add(block_result)
    return result


def _pace(device_ms: float) -> str:
    return f"{device_ms / DAY_MS:,.1f} unit-days/s"


def _write(options: ReplayOptions, result: ReplayResult, zone: ZoneInfo) -> None:
    if options.csv is not None:
        with written_by("--csv", options.csv):
            result.write_csv(options.csv, zone)
    if options.picture is not None:
        from hearthwatch.trials.replay.picture import draw  # matplotlib takes a second to load

        with written_by("--picture", options.picture):
            draw(options.picture, result, zone)
