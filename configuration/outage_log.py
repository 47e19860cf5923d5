"""Log once when something is lost and once when it is back (design §7)."""

from typing import Any, Literal

Severity = Literal["warning", "error"]


class OutageLog:
    """One thing that a process may lose: a broker, a store, a forecast.

    Both reports may come again and again; only a change is logged.
    """

    def __init__(
        self,
        logger: Any,
        lost: str,
        back: str | None = None,
        *,
        severity: Severity = "warning",
        each_reason: bool = False,
    ) -> None:
        """`logger` takes an event id and fields, as loggers of structlog do.

        `lost` and `back` are the event ids, `severity` the level of `lost`. Without `back` the
        return is not logged. With `each_reason` a new reason is logged during the outage, too.
        """
        self._logger = logger
        self._lost = lost
        self._back = back
        self._severity = severity
        self._each_reason = each_reason
        self._reason: str | None = None

    @property
    def is_lost(self) -> bool:
        """Whether the outage lasts."""
        return self._reason is not None

    def lost(self, reason: str, **fields: object) -> None:
        """Report that it is lost, for `reason`."""
        if not self.is_lost or (self._each_reason and reason != self._reason):
            getattr(self._logger, self._severity)(self._lost, reason=reason, **fields)
        self._reason = reason

    def back(self, **fields: object) -> None:
        """Report that it works."""
        if self.is_lost and self._back is not None:
            self._logger.info(self._back, **fields)
        self._reason = None
