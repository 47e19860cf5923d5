"""What `ingest replay-dead-letters` did: as JSON, and as text."""

from typing import Any, Final

from ingest.redelivery.redeliver import RedeliveryReport
from ingest.redelivery.reexamine import KeptReason

_REASONS: Final[dict[KeptReason, str]] = {
    "still_bad": "still bad",
    "out_of_order": "out of order for good",
    "cut_short": "only the first 4 kB of the message are here",
    "not_asked": "of a code that was not asked for",
    "unreadable_line": "no dead letter",
    "occupied": "the store has another reading of that device and time",
    "refused_again": "refused by the store again",
}


def replay_document(report: RedeliveryReport) -> dict[str, Any]:
    """Return the counts: lines read, readings stored, lines kept; in all and by code."""
    codes = sorted({*report.stored, *report.already, *report.kept})
    return {
        "lines": report.lines,
        "stored": report.stored.total(),
        "kept": sum(reasons.total() for reasons in report.kept.values()),
        "codes": {
            code: {
                "stored": report.stored[code],
                "already_stored": report.already[code],
                "kept": dict(report.kept.get(code, {})),
            }
            for code in codes
        },
    }


def replay_text(report: RedeliveryReport, dry_run: bool) -> str:
    """Return one line with the totals, and one for each code."""
    document = replay_document(report)
    stored = "would be stored" if dry_run else "stored"
    total = (
        f"{document['lines']} dead letters: {document['stored']} readings {stored}, "
        f"{document['kept']} lines stay"
    )
    lines = [f"  {code}: {_counts(counts, stored)}" for code, counts in document["codes"].items()]
    return "\n".join([total, *lines])


def _counts(counts: dict[str, Any], stored: str) -> str:
    parts = []
    if counts["stored"]:
        parts.append(f"{counts['stored']} {stored}")
    if counts["already_stored"]:
        parts.append(f"{counts['already_stored']} in the store already")
    parts += [f"{count} stay: {_REASONS[reason]}" for reason, count in counts["kept"].items()]
    return "; ".join(parts)
