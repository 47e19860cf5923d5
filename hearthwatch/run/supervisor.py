"""Child processes kept alive: started in order, restarted when they die, ended in reverse order."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from configuration.links import open_unlinked, write_unlinked
from hearthwatch.base.errors import WRONG_USAGE

_log = structlog.get_logger()

_PR_SET_PDEATHSIG: Final = 1  # <sys/prctl.h>
_RESTART_AFTER_S: Final = (0.2, 1.0, 2.0, 5.0, 10.0)
_STEADY_AFTER_S: Final = 30.0
_STOP_WITHIN_S: Final = 20.0


def hearthwatch_command(*arguments: str) -> list[str]:
    """Return the command line of another hearthwatch process with the same interpreter."""
    return [sys.executable, "-m", "hearthwatch", *arguments]


@dataclass(slots=True)
class Child:
    """One process to keep alive; `wanted` is False while it is meant to be down."""

    name: str
    command: list[str]
    environment: Mapping[str, str] | None = None
    wanted: bool = True
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    starts: int = 0
    failures: int = 0
    restart_at: float | None = field(default=None)

    @property
    def refused_to_start(self) -> bool:
        """Whether the configuration does not suit it: it has ended with exit code 2 at once."""
        ended = None if self.process is None else self.process.poll()
        return self.starts == 1 and ended == WRONG_USAGE

    @property
    def running(self) -> bool:
        """Whether the process exists and has not ended."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Runs children with their output in `logs/NAME.log`.

    `check` must be called a few times a second. `logs/processes.json` holds the running process
    ids by name.
    """

    def __init__(self, logs: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._logs = logs
        self._clock = clock
        self.children: dict[str, Child] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(
        self, name: str, command: list[str], environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start a child and keep it alive from now on."""
        child = Child(name, command, environment)
        self.children[name] = child
        self._launch(child)
        return child

    def check(self) -> list[str]:
        """Restart dead children, and return the names of those that died since the last check.

        A child that dies again soon is restarted later each time.
        """
        dead = [child for child in self.children.values() if child.wanted and not child.running]
        died = [child.name for child in dead if child.restart_at is None]
        for child in dead:
            self._revive(child)
        return died

    def last_words(self, name: str) -> str:
        """Return the last line that a child wrote."""
        lines = (self._logs / f"{name}.log").read_text(errors="replace").splitlines()
        return lines[-1].removeprefix("hearthwatch: ") if lines else ""

    def undisturbed(self, name: str, seconds: float) -> bool:
        """Whether a child runs and was not restarted within the last `seconds`."""
        child = self.children[name]
        return child.running and (child.starts == 1 or self._clock() - child.started >= seconds)

    def kill(self, name: str) -> None:
        """End a child as a power cut would (SIGKILL) and keep it down until `revive`."""
        child = self.children[name]
        child.wanted = False
        if child.process is not None:
            child.process.kill()
            child.process.wait()
        self._write_list()

    def revive(self, name: str) -> None:
        """Start a child again that `kill` has ended."""
        child = self.children[name]
        child.wanted = True
        self._launch(child)

    def stop(self, *names: str) -> None:
        """Ask children to end (SIGTERM), all at once; kill those that have not after 20 s."""
        ending = [self.children[name] for name in names if name in self.children]
        for child in ending:
            child.wanted = False
            if child.process is not None and child.running:
                child.process.send_signal(signal.SIGTERM)
        deadline = self._clock() + _STOP_WITHIN_S
        for child in ending:
            self._wait_or_kill(child, deadline)
        self._write_list()

    def stop_all(self) -> None:
        """Stop every child, the last started first."""
        for name in reversed(self.children):
            self.stop(name)

    def _wait_or_kill(self, child: Child, deadline: float) -> None:
        if child.process is None:
            return
        try:
            child.process.wait(max(0.0, deadline - self._clock()))
        except subprocess.TimeoutExpired:
            _log.warning("child_does_not_end", name=child.name)
            child.process.kill()
            child.process.wait()

    def _revive(self, child: Child) -> None:
        now = self._clock()
        if child.restart_at is None:
            code = child.process.returncode if child.process is not None else None
            child.failures = 0 if now - child.started > _STEADY_AFTER_S else child.failures + 1
            child.restart_at = (
                now + _RESTART_AFTER_S[min(child.failures, len(_RESTART_AFTER_S) - 1)]
            )
            _log.warning("child_ended", name=child.name, exit_code=code)
        if now >= child.restart_at:
            self._launch(child)
            _log.info("child_started_again", name=child.name)

    def _launch(self, child: Child) -> None:
        with self._log_of(child) as output:
            child.process = subprocess.Popen(
                child.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=child.environment,
                # Ctrl-C must not reach the children: this process ends them in order.
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        child.started, child.restart_at = self._clock(), None
        child.starts += 1
        self._write_list()

    def _log_of(self, child: Child) -> BinaryIO:
        path = self._logs / f"{child.name}.log"
        return os.fdopen(open_unlinked(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab")

    def _write_list(self) -> None:
        running = {
            child.name: child.process.pid
            for child in self.children.values()
            if child.process is not None and child.running
        }
        target = self._logs / "processes.json"
        draft = target.with_suffix(".new")
        write_unlinked(draft, f"{json.dumps(running, indent=1)}\n".encode())
        draft.replace(target)


_libc = ctypes.CDLL(None)


def _end_with_parent() -> None:
    """Ask the kernel, in the child, to end the child (SIGTERM) if this process is killed."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
