"""The result of a season: one JSON document for programs (contract §11), tables for people."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from hearthwatch.trials.season.evaluate import SeasonBlockResult
from hearthwatch.trials.season.plan import SeasonPlan
from simulators.scoring.score import NOTHING, ClassScore, Score
from simulators.scoring.signs import SIGNS


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

    @classmethod
    def empty(cls, plan: SeasonPlan, units: int) -> "SeasonResult":
        """Return a result to which no block has been added."""
        return cls(
            scenario=plan.scenario.name,
            seed=plan.seed,
            units=units,
            days=plan.span.days,
            step_ms=plan.span.step_ms,
            rules=len(plan.rules),
        )

    def add(self, block_result: SeasonBlockResult) -> None:
        """Add the result of one block."""
        self.readings += block_result.readings
        self.alerts.update(alert.rule for alert in block_result.alerts)
        self.score.add(block_result.score)
        self.quiet_weeks += block_result.quiet.weeks
        self.quiet_weeks_alerted += block_result.quiet.alerted

    @property
    def false_per_1000_unit_days(self) -> float:
        """Alerts without any real cause; each would be a ticket."""
        return round(1000.0 * self.score.false / (self.units * self.days), 4)

    def to_document(self, seconds: float) -> dict[str, Any]:
        """Return the result after `seconds` of work.

        Equal seasons differ in `seconds` and `readings_per_s` alone.
        """
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
        """Return the classes that have figures, in the order of the table of signs."""
        order = [*SIGNS, *(kind for kind in sorted(self.score.classes) if kind not in SIGNS)]
        return [kind for kind in order if kind in self.score.classes]

    def to_tables(self, seconds: float) -> list[RenderableType]:
        """Return the result after `seconds` of work as text and tables."""
        per_s = self.readings / seconds if seconds > 0 else 0.0
        heading = (
            f"{self.scenario}: {self.units:,} units, {self.days} days, {self.readings:,} readings"
            f" through {self.rules} rules in {seconds:,.0f} s ({per_s:,.0f} readings/s)"
        )
        summary = (
            f"{self.quiet_weeks:,} unit-weeks without any fault,"
            f" {self.quiet_weeks_alerted:,} of them with an alert; {self.score.false:,} false"
            f" alerts = {self.false_per_1000_unit_days:g} per 1,000 unit-days"
        )
        return [heading, self._class_table(), self._confusion_table(), summary]

    def _class_table(self) -> Table:
        table = Table(title="What was found", box=None, pad_edge=False)
        table.add_column("class")
        for heading in ("sort", "injected", "detected", "false", "recall", "precision", "delay"):
            table.add_column(heading, justify="left" if heading == "sort" else "right")
        for kind in self._kinds():
            table.add_row(kind, *_cells(kind, self.score.classes[kind]))
        return table

    def _confusion_table(self) -> Table:
        table = Table(title="Alerts by what was behind them", box=None, pad_edge=False)
        table.add_column("alert")
        table.add_column("behind it: number")
        for sign in sorted({sign for counts in self.score.confusion.values() for sign in counts}):
            causes = {kind: counts[sign] for kind, counts in self.score.confusion.items()}
            by_number = sorted(causes.items(), key=lambda cause: (-cause[1], cause[0]))
            table.add_row(
                sign,
                ", ".join(f"{_named(kind)} {count:,}" for kind, count in by_number if count),
            )
        return table


def _named(kind: str) -> str:
    return "[bold red]nothing[/]" if kind == NOTHING else kind


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
