"""The result of a replay: one JSON document for programs, a CSV file, tables for people."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from hearthwatch.trials.replay.blocks import ReplayBlock, village_of
from hearthwatch.trials.replay.evaluate import ReplayBlockResult
from hearthwatch.trials.replay.plan import ReplayPlan
from rules.transitions.raised import Comparison, Raised, compare
from wire.topics import GatewayPath

_MOST_ROWS: Final = 40  # of a table for people; JSON and CSV hold all rows

_CSV_COLUMNS: Final = (
    "by",
    "rule",
    "priority",
    "village",
    "subject",
    "code",
    "onset",
    "raised_at",
    "cleared_at",
    "value",
    "limit",
    "unit",
)


@dataclass(slots=True)
class ReplayResult:
    """The alerts that the rules would have raised in a period (UTC ms).

    `places` are the gateways of the devices. `skipped` are the rules that readings alone cannot
    replay. In a comparison `changed` are the rules that differ and `against` the alerts of the
    second set; without one `changed` is None. `read_s` and `evaluated_s` are seconds of all
    processes together.
    """

    since: int
    until: int
    places: Mapping[str, GatewayPath]
    skipped: Sequence[str]
    changed: Sequence[str] | None = None
    readings: int = 0
    alerts: list[Raised] = field(default_factory=list)
    against: list[Raised] = field(default_factory=list)
    read_s: float = 0.0
    evaluated_s: float = 0.0

    @classmethod
    def empty(cls, plan: ReplayPlan, blocks: Sequence[ReplayBlock]) -> "ReplayResult":
        """Return a result to which no block has been added."""
        places: dict[str, GatewayPath] = {}
        for block in blocks:
            places |= block.places
        changed = None if plan.against is None else [rule.id for rule in plan.against]
        return cls(plan.since, plan.until, places, plan.skipped, changed)

    def add(self, block_result: ReplayBlockResult) -> None:
        """Add the result of one block."""
        self.readings += block_result.readings
        self.alerts += block_result.alerts
        self.against += block_result.against
        self.read_s += block_result.read_s
        self.evaluated_s += block_result.evaluated_s

    @property
    def comparison(self) -> Comparison | None:
        """The differences that the changed rules make; None without a comparison."""
        if self.changed is None:
            return None
        return compare([alert for alert in self.alerts if alert.rule in self.changed], self.against)

    def village(self, alert: Raised) -> str:
        """Return an alert's village as `town/village`; '' if its subject is larger than one."""
        if alert.subject_kind == "device":
            return village_of(self.places[alert.subject])
        own = {"gateway": alert.realm, "village": f"{alert.realm}/{alert.subject}"}
        return own.get(alert.subject_kind, "").partition("/")[2]

    def to_document(self) -> dict[str, Any]:
        """Return the whole as JSON; times are UTC ms."""
        document: dict[str, Any] = {
            "from": self.since,
            "to": self.until,
            "devices": len(self.places),
            "readings": self.readings,
            "read_per_s": _rate(self.readings, self.read_s),
            "judged_per_s": _rate(self.readings, self.evaluated_s),
            "rules": dict(_most_first(Counter(alert.rule for alert in self.alerts))),
            "villages": dict(_most_first(Counter(map(self.village, self.alerts)))),
            "not_replayed": list(self.skipped),
            "alerts": self._documents(self.alerts),
        }
        comparison = self.comparison
        if comparison is not None:
            document["comparison"] = self._comparison_document(comparison)
        return document

    def _comparison_document(self, comparison: Comparison) -> dict[str, Any]:
        """`raised_later_ms` is how much later the second rules raised an alert than the first."""
        pairs = sorted(comparison.both, key=lambda pair: (pair.first.at, pair.first.key))
        return {
            "changed_rules": list(self.changed or ()),
            "first_only": self._documents(comparison.first_only),
            "second_only": self._documents(comparison.second_only),
            "both": [
                {
                    "first": self._document(pair.first),
                    "second": self._document(pair.second),
                    "raised_later_ms": pair.later_ms,
                }
                for pair in pairs
            ],
        }

    def _documents(self, alerts: Sequence[Raised]) -> list[dict[str, Any]]:
        return [self._document(alert) for alert in _in_time(alerts)]

    def _document(self, alert: Raised) -> dict[str, Any]:
        return {
            "rule": alert.rule,
            "priority": alert.priority,
            "village": self.village(alert),
            "subject": alert.subject,
            "code": alert.code,
            "onset": alert.onset,
            "raised_at": alert.at,
            "cleared_at": alert.cleared_at,
            "value": alert.value,
            "limit": alert.limit,
            "unit": alert.unit,
        }

    def write_csv(self, path: Path, zone: tzinfo) -> None:
        """Write a line for each alert, times in `zone`; `by` is `first` or `second`.

        Raises OSError.
        """
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, _CSV_COLUMNS, lineterminator="\n")
            writer.writeheader()
            for by, alerts in (("first", self.alerts), ("second", self.against)):
                for row in self._documents(alerts):
                    times = {
                        name: _iso(row[name], zone) for name in ("onset", "raised_at", "cleared_at")
                    }
                    writer.writerow({"by": by, **row, **times})

    def to_tables(self, zone: tzinfo) -> list[Table]:
        """Return the tables that have rows; times are in `zone`."""
        comparison = self.comparison
        if comparison is None:
            latest = _alert_table("the last of them", [("", alert) for alert in self.alerts], zone)
            tables = [self._by_rule(), latest]
        else:
            differing = [("only before", alert) for alert in comparison.first_only]
            differing += [("only after", alert) for alert in comparison.second_only]
            listed = _alert_table("what differs", differing, zone)
            tables = [self._by_rule(), _comparison_table(comparison), listed]
        return [table for table in tables if table.row_count]

    def _by_rule(self) -> Table:
        counts = Counter((alert.rule, self.village(alert)) for alert in self.alerts)
        table = Table(
            "rule",
            "village",
            title=f"{len(self.alerts):,} alerts from {self.readings:,} readings"
            f" of {len(self.places):,} devices",
            caption=self._caption(),
            title_justify="left",
            caption_justify="left",
        )
        table.add_column("alerts", justify="right")
        for (rule, village), count in _most_first(counts)[:_MOST_ROWS]:
            table.add_row(rule, village, f"{count:,}")
        return table

    def _caption(self) -> str:
        read = f"{_rate(self.readings, self.read_s):,} readings/s read from the store"
        evaluated = f"{_rate(self.readings, self.evaluated_s):,} evaluated"
        caption = f"{read}, {evaluated}"
        return f"{caption}; not replayed: {', '.join(self.skipped)}" if self.skipped else caption


def _alert_table(title: str, alerts: Sequence[tuple[str, Raised]], zone: tzinfo) -> Table:
    columns = ("", "rule", "subject", "code", "began", "raised", "cleared")
    table = Table(*columns, title=title, title_justify="left")
    table.add_column("value", justify="right")
    latest = sorted(alerts, key=lambda labelled: (labelled[1].at, labelled[1].key))[-_MOST_ROWS:]
    for label, alert in latest:
        times = (_local(at, zone) for at in (alert.onset, alert.at, alert.cleared_at))
        value = "" if alert.value is None else f"{alert.value:.1f} {alert.unit or ''}"
        table.add_row(label, alert.rule, alert.subject, alert.code or "", *times, value)
    return table


def _comparison_table(comparison: Comparison) -> Table:
    table = Table("rule", title="the same rules with the other limits", title_justify="left")
    for column in ("before", "after", "only before", "only after", "in both", "earlier", "later"):
        table.add_column(column, justify="right")
    gone = Counter(alert.rule for alert in comparison.first_only)
    new = Counter(alert.rule for alert in comparison.second_only)
    both = Counter(pair.first.rule for pair in comparison.both)
    earlier = Counter(pair.first.rule for pair in comparison.both if pair.later_ms < 0)
    later = Counter(pair.first.rule for pair in comparison.both if pair.later_ms > 0)
    before, after = gone + both, new + both
    for rule in sorted({*gone, *new, *both}):
        counts = (before, after, gone, new, both, earlier, later)
        table.add_row(rule, *(f"{count[rule]:,}" for count in counts))
    return table


def _most_first(counts: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _in_time(alerts: Sequence[Raised]) -> list[Raised]:
    return sorted(alerts, key=lambda alert: (alert.at, alert.key))


def _rate(readings: int, seconds: float) -> int:
    return round(readings / seconds) if seconds > 0 else 0


def _iso(at: int | None, zone: tzinfo) -> str:
    if at is None:
        return ""
    return datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="seconds")


def _local(at: int | None, zone: tzinfo) -> str:
    return "" if at is None else datetime.fromtimestamp(at / 1000, zone).strftime("%m-%d %H:%M")
