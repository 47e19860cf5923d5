"""What a season came to: one document for programs (contract §11), tables for people."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Group
from rich.table import Table

from hearthwatch.trials.season.judge import Judged
from simulators.scoring.score import NOTHING, ClassScore, Score
from simulators.scoring.signs import SIGNS

WEEK_DAYS: Final = 7


@dataclass(slots=True)
class SeasonResult:
    """Sums over all blocks of a season of `units` units and `days` days."""

    scenario: str
    seed: int
    units: int
    days: int
    step_ms: int
    rules: int
    readings: int = 0
    alerts: Counter[str] = field(default_factory=Counter)
    score: Score = field(default_factory=Score)
    quiet_weeks: int = 0
    quiet_weeks_alerted: int = 0

    def add(self, judged: Judged) -> None:
        """Take in one block."""
        self.readings += judged.readings
        self.alerts.update(alert.rule for alert in judged.alerts)
        self.score.add(judged.score)
        self.quiet_weeks += judged.quiet.weeks
        self.quiet_weeks_alerted += judged.quiet.alerted

    @property
    def false_per_1000_unit_days(self) -> float:
        """Alerts that nothing real stands behind, each a ticket."""
        return round(1000.0 * self.score.false / (self.units * self.days), 4)

    def to_document(self, seconds: float) -> dict[str, Any]:
        """The result after `seconds` of work; only `seconds` and `readings_per_s` differ between
        equal seasons."""
        classes = {kind: self.score.classes[kind].to_document() for kind in self._kinds()}
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "units": self.units,
            "days": self.days,
            "step_s": self.step_ms / 1000,
            "rules": self.rules,
            "readings": self.readings,
            "seconds": round(seconds, 1),
            "readings_per_s": round(self.readings / seconds) if seconds > 0 else None,
            "classes": classes,
            "false_per_1000_unit_days": self.false_per_1000_unit_days,
            "alerts": dict(sorted(self.alerts.items())),
            "confusion": {
                kind: dict(sorted(counts.items()))
                for kind, counts in sorted(self.score.confusion.items())
            },
            "no_fault": {"unit_weeks": self.quiet_weeks, "alerted": self.quiet_weeks_alerted},
        }

    def _kinds(self) -> list[str]:
        """The classes there is something to say about, in the order of the table of signs."""
        order = [*SIGNS, *(kind for kind in sorted(self.score.classes) if kind not in SIGNS)]
        return [kind for kind in order if kind in self.score.classes]

    def to_tables(self, seconds: float) -> Group:
        """The result for people."""
        per_s = self.readings / seconds if seconds > 0 else 0.0
        quiet = f"{self.quiet_weeks:,} unit-weeks without any fault, {self.quiet_weeks_alerted:,} of them with an alert"
        return Group(
            f"{self.scenario}: {self.units:,} units, {self.days} days, {self.readings:,} readings through"
            f" {self.rules} rules in {seconds:,.0f} s ({per_s:,.0f} readings/s)",
            self._class_table(),
            self._confusion_table(),
            f"{quiet}; {self.score.false:,} false alerts = {self.false_per_1000_unit_days:g} per 1,000 unit-days",
        )

    def _class_table(self) -> Table:
        table = Table(title="What was found", box=None, pad_edge=False)
        table.add_column("class")
        for heading in ("sort", "injected", "detected", "false", "recall", "precision", "delay"):
            table.add_column(heading, justify="left" if heading == "sort" else "right")
        for kind in self._kinds():
            table.add_row(kind, *_cells(kind, self.score.classes[kind]))
        return table

    def _confusion_table(self) -> Table:
        signs = sorted({sign for counts in self.score.confusion.values() for sign in counts})
        table = Table(title="Alerts by what was behind them", box=None, pad_edge=False)
        table.add_column("alert")
        table.add_column("behind it: number")
        for sign in signs:
            behind = Counter(
                {
                    kind: counts[sign]
                    for kind, counts in self.score.confusion.items()
                    if counts[sign]
                }
            )
            text = ", ".join(
                f"{_named(kind)} {count:,}"
                for kind, count in sorted(behind.items(), key=_by_number)
            )
            table.add_row(sign, text)
        return table


def _named(kind: str) -> str:
    return "[bold red]nothing[/]" if kind == NOTHING else kind


def _by_number(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _cells(kind: str, figures: ClassScore) -> list[str]:
    signs = SIGNS.get(kind)
    document = figures.to_document()
    return [
        "" if signs is None else ("hard" if signs.hard else "drift"),
        f"{figures.injected:,}",
        f"{figures.detected:,}",
        f"{figures.false:,}",
        _share(document["recall"]),
        _share(document["precision"]),
        _delay(document["delay_median_s"]),
    ]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _delay(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 2 * 86_400 else f"{seconds / 86_400:.1f} d"
