"""Truth against record: first readings, then alerts and their tickets."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from simulators.scoring.score import score
from simulators.scoring.signs import SIGNS, home_of
from simulators.scoring.truths import LEVELS, ScoredAlert, Topology
from simulators.scoring.visibility import demanded
from simulators.verify.expected_alerts import ExpectedAlert, expected_alerts
from simulators.verify.history import RunHistory, history_of
from simulators.verify.limits import VerificationLimits
from simulators.verify.readings import RecordedReading, compare_readings
from simulators.verify.result import Verification
from wire.units import SECOND_MS

Document = Mapping[str, Any]

_CLASS_OF: Final[Mapping[str, str]] = {
    "low_room_temperature": "low_room",
    "device_offline": "communication_loss",
    "gateway_offline": "gateway_death",
    "defrost_share": "heavy_defrost",
}
"""The class that an expected alert of a rule is counted under; a fault has that of its code."""


def verify(
    truth: Iterable[Document],
    stored: Iterable[RecordedReading],
    gaps: Mapping[tuple[str, str], Sequence[int]],
    alerts: Sequence[Document],
    tickets: Sequence[Document],
    limits: VerificationLimits,
) -> Verification:
    """Compare the truth of a run with its records.

    `truth`: lines of the truth file in order. `gaps`: message numbers that never arrived, by
    (gateway, epoch). `alerts`: objects of contract §3, active and cleared. `tickets`: objects of
    contract §11.
    """
    history = history_of(truth)
    result = Verification()
    heard = compare_readings(history, stored, result)
    result.missing_numbers = sum(len(missing) for missing in gaps.values())
    _compare_alerts(history, expected_alerts(history, heard, limits), alerts, tickets, result)
    return result


def _compare_alerts(
    history: RunHistory,
    expected: list[ExpectedAlert],
    alerts: Sequence[Document],
    tickets: Sequence[Document],
    result: Verification,
) -> None:
    outages = [alert for alert in alerts if alert["rule"] == "village_outage"]
    others = [alert for alert in alerts if alert["rule"] != "village_outage"]
    caused = _score_causes(history, others, result)
    raised = _assign(expected, others, caused, result)
    due = [
        (index, wanted)
        for index, wanted in enumerate(expected)
        if wanted.due is not None and wanted.due <= history.end
    ]
    result.expected = dict(Counter(wanted.rule for _, wanted in due))
    for index, wanted in due:
        _check_due(wanted, raised.get(index), outages, tickets, result)
    _check_outages(history, outages, result)
    _check_origins(tickets, result)


def _check_outages(history: RunHistory, outages: Sequence[Document], result: Verification) -> None:
    for outage in outages:
        at = outage["raised_at"]
        if not _some_gateway_down(history, at):
            what = "village_outage while every gateway was up"
            result.find("false", outage["subject"], at, what)


def _check_origins(tickets: Sequence[Document], result: Verification) -> None:
    for ticket in tickets:
        if ticket["source"] == "telemetry" and not ticket["alerts"]:
            what = "a ticket from telemetry without an alert"
            result.find("false", ticket["id"], ticket["opened_at"], what)


def _score_causes(
    history: RunHistory, alerts: Sequence[Document], result: Verification
) -> set[str]:
    """Note the figures of the scenario's causes; the ids of the alerts that they explain.

    Causes that show in the reads by themselves (codes, silence) are compared read by read, as
    expected alerts; here they only explain other alerts.
    """
    topology = Topology(history.gateway_of, {})
    shown_in_reads = {
        *_CLASS_OF.values(),
        *(kind for kind, signs in SIGNS.items() if signs.detects == (f"fault:{kind}",)),
    }
    causes = demanded(history.causes, topology, history.end)
    by_id = {alert["id"]: _plain(alert, history) for alert in alerts}
    scored = score(causes, by_id.values(), topology)
    for kind, figures in scored.classes.items():
        if kind in {truth.kind for truth in causes} - shown_in_reads:
            figures.false = 0  # counted with the expected alerts, which may explain it
            result.classes[kind] = figures
    read_by_read = {"fault", *_CLASS_OF}
    unexplained = {_key(alert) for alert in scored.false_alerts}
    return {
        name
        for name, alert in by_id.items()
        if alert.rule not in read_by_read and _key(alert) not in unexplained
    }


def _key(alert: ScoredAlert) -> tuple[str, str, str | None, int]:
    return alert.rule, alert.subject, alert.code, alert.raised_at


def _plain(alert: Document, history: RunHistory) -> ScoredAlert:
    level = LEVELS[1] if alert["subject"] in history.gateway_of.values() else LEVELS[0]
    times = (alert["onset"], alert["raised_at"], alert["cleared_at"])
    return ScoredAlert(alert["rule"], level, alert["subject"], alert["code"], *times)


def _class_of(rule: str, code: str | None) -> str:
    return _CLASS_OF.get(rule) or home_of(
        rule if code is None else f"{rule}:{code.partition(':')[0]}"
    )


def _assign(
    expected: list[ExpectedAlert], alerts: list[Document], caused: set[str], result: Verification
) -> dict[int, Document]:
    """The alert of each expected one, by index.

    An alert too many is false unless it is `caused`.
    """
    raised: dict[int, Document] = {}
    for alert in sorted(alerts, key=lambda alert: alert["raised_at"]):
        indices = [i for i, wanted in enumerate(expected) if _belongs(alert, wanted)]
        free = [i for i in indices if i not in raised]
        if free:
            raised[free[0]] = alert
        elif alert["id"] not in caused:
            result.classes[_class_of(alert["rule"], alert["code"])].false += 1
            reason = "raised a second time" if indices else "nothing happened"
            what = f"{alert['rule']} {alert['code'] or ''}".strip()
            result.find("false", alert["subject"], alert["onset"], f"{what}: {reason}")
    return raised


def _belongs(alert: Document, wanted: ExpectedAlert) -> bool:
    names = (alert["rule"], alert["subject"], alert["code"])
    same = names == (wanted.rule, wanted.subject, wanted.code)
    return same and wanted.covers(alert["onset"], alert["raised_at"])


def _check_due(
    wanted: ExpectedAlert,
    alert: Document | None,
    outages: Sequence[Document],
    tickets: Sequence[Document],
    result: Verification,
) -> None:
    what = f"{wanted.rule} {wanted.code or ''}".strip()
    figures = result.classes[_class_of(wanted.rule, wanted.code)]
    hidden = wanted.by_server_time and any(_during(outage, wanted) for outage in outages)
    if alert is None and hidden:
        figures.unasked += 1
        return
    figures.injected += 1
    if alert is None:
        result.find("missed", wanted.subject, wanted.begin, f"{what}: no alert")
        return
    figures.detected += 1
    figures.delays_s.append((alert["raised_at"] - wanted.begin) / SECOND_MS)
    linked = [ticket["id"] for ticket in tickets if alert["id"] in ticket["alerts"]]
    if len(linked) > 1 or (not linked and not _past_when_heard(alert)):
        reason = f"{what}: {len(linked)} tickets instead of one"
        result.find("missed", wanted.subject, wanted.begin, reason)


def _during(outage: Document, wanted: ExpectedAlert) -> bool:
    """Whether a village outage replaces the alert of an absence (one cause, one alert)."""
    return wanted.covers(outage["onset"], outage["raised_at"])


def _past_when_heard(alert: Document) -> bool:
    """Whether an alert was over before anybody heard of it: it needs no ticket.

    Source: contract §11 "Late data".
    """
    cleared_at = alert["cleared_at"]
    return cleared_at is not None and cleared_at <= alert["raised_at"]


def _some_gateway_down(history: RunHistory, at: int) -> bool:
    return any(span.begin <= at <= span.end for spans in history.down.values() for span in spans)
