"""What a replay found: as tables for people, as one JSON document, and as CSV."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from hearthwatch.trials.replay.judge import Judged
from hearthwatch.trials.replay.plan import village_of
from rules.transitions.raised import Comparison, Raised, compare
from wire.topics import GatewayPath

MOST_ROWS: Final = 40
"""Rows of a table for people; JSON and CSV have all."""

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
class Replayed:
    """Alerts that `rules` and, in a comparison, the rules `against` them would have raised in a
    period (UTC ms).

    `places` are those of the devices; `skipped` the ids of rules that readings alone cannot replay.
    `read_s` and `judged_s` are seconds of all processes together.
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
    judged_s: float = 0.0

    def add(self, judged: Judged) -> None:
        """Take in one block."""
        self.readings += judged.readings
        self.alerts += judged.alerts
        self.against += judged.against
        self.read_s += judged.read_s
        self.judged_s += judged.judged_s

    @property
    def comparison(self) -> Comparison | None:
        """What the changed rules raise differently; None without a comparison."""
        if self.changed is None:
            return None
        return compare([one for one in self.alerts if one.rule in self.changed], self.against)

    def village(self, alert: Raised) -> str:
        """The village of an alert as `town/village`, '' where the subject is larger than one."""
        if alert.subject_kind == "device":
            return village_of(self.places[alert.subject])
        own = {"gateway": alert.realm, "village": f"{alert.realm}/{alert.subject}"}.get(
            alert.subject_kind, ""
        )
        return own.partition("/")[2]

    def to_document(self) -> dict[str, Any]:
        """The whole as JSON; times are UTC ms, `raised_later_ms` is how much later than by the
        first rules."""
        document: dict[str, Any] = {
            "from": self.since,
            "to": self.until,
            "devices": len(self.places),
            "readings": self.readings,
            "read_per_s": _rate(self.readings, self.read_s),
            "judged_per_s": _rate(self.readings, self.judged_s),
            "rules": dict(_sorted(Counter(one.rule for one in self.alerts))),
            "villages": dict(_sorted(Counter(map(self.village, self.alerts)))),
            "not_replayed": list(self.skipped),
            "alerts": [self._document(one) for one in _in_time(self.alerts)],
        }
        comparison = self.comparison
        if comparison is not None:
            document["comparison"] = {
                "changed_rules": list(self.changed or ()),
                "first_only": [self._document(one) for one in _in_time(comparison.first_only)],
                "second_only": [self._document(one) for one in _in_time(comparison.second_only)],
                "both": [
                    {
                        "first": self._document(pair.first),
                        "second": self._document(pair.second),
                        "raised_later_ms": pair.later_ms,
                    }
                    for pair in sorted(
                        comparison.both, key=lambda pair: (pair.first.at, pair.first.key)
                    )
                ],
            }
        return document

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
        """One line per alert, with times in `zone`; `by` is `first` or `second`. Raises OSError."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, _CSV_COLUMNS, lineterminator="\n")
            writer.writeheader()
            for by, alerts in (("first", self.alerts), ("second", self.against)):
                for alert in _in_time(alerts):
                    row = self._document(alert)
                    times = {
                        name: _iso(row[name], zone) for name in ("onset", "raised_at", "cleared_at")
                    }
                    writer.writerow({"by": by, **row, **times})

    def tables(self, zone: tzinfo) -> list[Table]:
        """What people want to see; times are in `zone`."""
        comparison = self.comparison
        if comparison is None:
            return [self._by_rule(), self._latest(zone)]
        differing = [("only before", one) for one in comparison.first_only]
        differing += [("only after", one) for one in comparison.second_only]
        return [
            self._by_rule(),
            _compared(comparison),
            self._listed("what differs", differing, zone),
        ]

    def _by_rule(self) -> Table:
        counts = Counter((one.rule, self.village(one)) for one in self.alerts)
        title = f"{len(self.alerts):,} alerts from {self.readings:,} readings of {len(self.places):,} devices"
        caption = (
            f"{_rate(self.readings, self.read_s):,} readings/s read from the store, "
            f"{_rate(self.readings, self.judged_s):,} judged"
        )
        if self.skipped:
            caption += f"; not replayed: {', '.join(self.skipped)}"
        table = Table(
            "rule",
            "village",
            title=title,
            caption=caption,
            title_justify="left",
            caption_justify="left",
        )
        table.add_column("alerts", justify="right")
        for (rule, village), count in _sorted(counts)[:MOST_ROWS]:
            table.add_row(rule, village, f"{count:,}")
        return table

    def _latest(self, zone: tzinfo) -> Table:
        return self._listed("the last of them", [("", one) for one in self.alerts], zone)

    def _listed(self, title: str, alerts: Sequence[tuple[str, Raised]], zone: tzinfo) -> Table:
        table = Table(
            "",
            "rule",
            "subject",
            "code",
            "began",
            "raised",
            "cleared",
            title=title,
            title_justify="left",
        )
        table.add_column("value", justify="right")
        for by, one in sorted(alerts, key=lambda alert: (alert[1].at, alert[1].key))[-MOST_ROWS:]:
            times = (_local(at, zone) for at in (one.onset, one.at, one.cleared_at))
            value = "" if one.value is None else f"{one.value:.1f} {one.unit or ''}"
            table.add_row(by, one.rule, one.subject, one.code or "", *times, value)
        return table


def _compared(comparison: Comparison) -> Table:
    table = Table("rule", title="the same rules with the other limits", title_justify="left")
    for column in ("before", "after", "only before", "only after", "in both", "earlier", "later"):
        table.add_column(column, justify="right")
    gone = Counter(one.rule for one in comparison.first_only)
    new = Counter(one.rule for one in comparison.second_only)
    both = Counter(pair.first.rule for pair in comparison.both)
    earlier = Counter(pair.first.rule for pair in comparison.both if pair.later_ms < 0)
    later = Counter(pair.first.rule for pair in comparison.both if pair.later_ms > 0)
    for rule in sorted({*gone, *new, *both}):
        counts = (gone[rule] + both[rule], new[rule] + both[rule], gone, new, both, earlier, later)
        table.add_row(
            rule, *(f"{one[rule] if isinstance(one, Counter) else one:,}" for one in counts)
        )
    return table


def _sorted(counts: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _in_time(alerts: Sequence[Raised]) -> list[Raised]:
    return sorted(alerts, key=lambda one: (one.at, one.key))


def _rate(readings: int, seconds: float) -> int:
    return round(readings / seconds) if seconds > 0 else 0


def _iso(at: int | None, zone: tzinfo) -> str:
    return (
        "" if at is None else datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="seconds")
    )


def _local(at: int | None, zone: tzinfo) -> str:
    return "" if at is None else datetime.fromtimestamp(at / 1000, zone).strftime("%m-%d %H:%M")
