"""Truth against record: readings first, then alerts and their tickets."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simulators.verify.episodes import Episode, episodes_of
from simulators.verify.history import History, history_of
from simulators.verify.limits import Limits
from simulators.verify.readings import StoredReading, compare_readings
from simulators.verify.result import Verification

Document = Mapping[str, Any]


def verify(
    truth: Iterable[Document],
    stored: Iterable[StoredReading],
    gaps: Mapping[tuple[str, str], Sequence[int]],
    alerts: Sequence[Document],
    tickets: Sequence[Document],
    limits: Limits,
) -> Verification:
    """Compare what happened with what was recorded.

    `truth`: lines of the truth file in order. `gaps`: message numbers that never arrived, by (gateway, epoch).
    `alerts`: objects of CONTRACT §3, active and cleared. `tickets`: objects of CONTRACT §11.
    """
    history = history_of(truth)
    result = Verification()
    heard = compare_readings(history, stored, result)
    result.missing_numbers = sum(len(missing) for missing in gaps.values())
    _compare_alerts(history, episodes_of(history, heard, limits), alerts, tickets, result)
    return result


def _compare_alerts(
    history: History,
    episodes: list[Episode],
    alerts: Sequence[Document],
    tickets: Sequence[Document],
    result: Verification,
) -> None:
    outages = [alert for alert in alerts if alert["rule"] == "village_outage"]
    raised = _assign(episodes, [alert for alert in alerts if alert["rule"] != "village_outage"], result)
    result.expected = dict(Counter(e.rule for e in episodes if e.due is not None and e.due <= history.end))
    for index, episode in enumerate(episodes):
        if episode.due is not None and episode.due <= history.end:
            _check_due(episode, raised.get(index), outages, tickets, result)
    for outage in outages:
        if not _some_gateway_down(history, outage["raised_at"]):
            result.find("false", outage["subject"], outage["raised_at"], "village_outage while every gateway was up")
    for ticket in tickets:
        if ticket["source"] == "telemetry" and not ticket["alerts"]:
            result.find("false", ticket["id"], ticket["opened_at"], "a ticket from telemetry without an alert")


def _assign(episodes: list[Episode], alerts: list[Document], result: Verification) -> dict[int, Document]:
    """Each alert to its episode (by index); an alert without one, or one too many, is false."""
    raised: dict[int, Document] = {}
    for alert in sorted(alerts, key=lambda alert: alert["raised_at"]):
        indices = [i for i, episode in enumerate(episodes) if _belongs(alert, episode)]
        free = [i for i in indices if i not in raised]
        if free:
            raised[free[0]] = alert
        else:
            reason = "raised a second time" if indices else "nothing happened"
            what = f"{alert['rule']} {alert['code'] or ''}".strip()
            result.find("false", alert["subject"], alert["onset"], f"{what}: {reason}")
    return raised


def _belongs(alert: Document, episode: Episode) -> bool:
    named = (alert["rule"], alert["subject"], alert["code"]) == (episode.rule, episode.subject, episode.code)
    return named and episode.covers(alert["onset"], alert["raised_at"])


def _check_due(
    episode: Episode,
    alert: Document | None,
    outages: Sequence[Document],
    tickets: Sequence[Document],
    result: Verification,
) -> None:
    what = f"{episode.rule} {episode.code or ''}".strip()
    if alert is None:
        if not (episode.by_server_time and any(_during(outage, episode) for outage in outages)):
            result.find("missed", episode.subject, episode.begin, f"{what}: no alert")
        return
    linked = [ticket["id"] for ticket in tickets if alert["id"] in ticket["alerts"]]
    if len(linked) > 1 or (not linked and not _past_when_heard(alert)):
        result.find("missed", episode.subject, episode.begin, f"{what}: {len(linked)} tickets instead of one")


def _during(outage: Document, episode: Episode) -> bool:
    """Whether a village outage stands for an absence (one cause, one alert)."""
    return episode.covers(outage["onset"], outage["raised_at"])


def _past_when_heard(alert: Document) -> bool:
    """An episode that was over before anybody heard of it is recorded without a ticket (CONTRACT §11 "Late data")."""
    cleared_at = alert["cleared_at"]
    return cleared_at is not None and cleared_at <= alert["raised_at"]


def _some_gateway_down(history: History, at: int) -> bool:
    return any(span.begin <= at <= span.end for spans in history.down.values() for span in spans)
