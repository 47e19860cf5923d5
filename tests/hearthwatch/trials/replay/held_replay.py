"""`rules replay` whose workers get their block of villages, evaluate nothing and wait for ever.

Run as `python -m tests.hearthwatch.trials.replay.held_replay rules replay …`; each worker leaves a
file named by its process id in the folder HELD.
"""

import os
import signal
from pathlib import Path

from hearthwatch.__main__ import main
from hearthwatch.base.parallel import Progress
from hearthwatch.trials.replay import command
from hearthwatch.trials.replay.blocks import ReplayBlock
from hearthwatch.trials.replay.evaluate import ReplayBlockResult
from hearthwatch.trials.replay.plan import ReplayPlan


def hold(plan: ReplayPlan, block: ReplayBlock, progress: Progress) -> ReplayBlockResult:
    (Path(os.environ["HELD"]) / str(os.getpid())).touch()
    while True:
        signal.pause()


if __name__ == "__main__":
    command.evaluate = hold
    main()
