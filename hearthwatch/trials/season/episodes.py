"""From transitions of the rules to alert episodes."""

from collections.abc import Iterable
from dataclasses import replace

from rules.transitions.transition import Transition
from simulators.scoring.truths import Alert


class Episodes:
    """Gathers transitions, in order, into the alerts they make up."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str, str, str | None], Alert] = {}
        self._closed: list[Alert] = []

    def add(self, transitions: Iterable[Transition]) -> None:
        """Take in what the rules said."""
        for one in transitions:
            key = (one.rule, one.subject_kind, one.subject, one.code)
            if one.edge == "raise":
                self._open[key] = Alert(
                    one.rule, one.subject_kind, one.subject, one.code, one.onset, one.at
                )
            elif one.edge == "clear" and key in self._open:
                raised = self._open.pop(key)
                self._closed.append(replace(raised, cleared_at=one.at))

    def alerts(self) -> list[Alert]:
        """Every alert so far, in order of time, those still open included."""
        return sorted(
            [*self._closed, *self._open.values()],
            key=lambda alert: (alert.raised_at, alert.subject, alert.rule, alert.code or ""),
        )
