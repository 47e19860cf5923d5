"""Names once in the log what a process had to leave out so that the rest goes on."""

from typing import Any, Final

UNPROCESSABLE: Final = "unprocessable"
"""The code of input that passed every check and made a later step fail (reliability §3)."""


class SetAsideLog:
    """Logs the first failure of each step and kind, with its traceback. It counts nothing."""

    def __init__(self, logger: Any) -> None:
        """`logger` takes an event id and fields, as loggers of structlog do."""
        self._logger = logger
        self._named: set[tuple[str, type[BaseException]]] = set()

    def note(self, step: str, what: str, error: Exception) -> None:
        """Report an input, described by `what`, that made `step` fail."""
        kind = (step, type(error))
        if kind not in self._named:
            self._named.add(kind)
            self._logger.error("input_set_aside", step=step, what=what, exc_info=error)
