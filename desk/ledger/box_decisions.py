"""The decisions on boxes that hold, and their way to the bus (contract §2)."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.database.outbox import add_effect
from desk.database.tables import AssignmentRow, RetirementRow
from wire.ownership import LedgerWord
from wire.topics import GatewayPath, gateway_of

BOX_EFFECT: Final = "box_decision"
"""The kind of outbox rows that carry a decision to the bus."""


def ledger_word(session: Session, listed: Mapping[str, str]) -> LedgerWord:
    """What people have decided; the gateways that the list of devices names come first."""
    retired = session.scalars(select(RetirementRow.gateway).where(RetirementRow.retired))
    paths = (gateway_of(path) for path in retired)
    assigned = select(AssignmentRow).where(AssignmentRow.gateway.is_not(None))
    by_device = {row.device: row.gateway or "" for row in session.scalars(assigned)}
    return LedgerWord(frozenset(path for path in paths if path is not None), by_device | {**listed})


def all_decisions(session: Session) -> list[dict[str, Any]]:
    """Every decision as the effect that publishes it: a broker may have lost its retained ones."""
    retirements = [
        _retirement(row.gateway, row.at, row.retired)
        for row in session.scalars(select(RetirementRow))
    ]
    assignments = [
        _assignment((row.district, row.device), row.at, row.gateway)
        for row in session.scalars(select(AssignmentRow))
    ]
    return [*retirements, *assignments]


def publish_retirement(
    session: Session, gateway: GatewayPath, at: int, retired: bool, now: int
) -> None:
    """Let the bus know of a retired gateway, or of one that is taken back."""
    add_effect(session, BOX_EFFECT, _retirement(str(gateway), at, retired), now)


def publish_assignment(
    session: Session, device: tuple[str, str], at: int, gateway: str | None, now: int
) -> None:
    """Let the bus know to which gateway a device (district and id) belongs."""
    add_effect(session, BOX_EFFECT, _assignment(device, at, gateway), now)


def _retirement(gateway: str, at: int, retired: bool) -> dict[str, Any]:
    return {"act": "retired", "gateway": gateway, "at": at, "retired": retired}


def _assignment(device: tuple[str, str], at: int, gateway: str | None) -> dict[str, Any]:
    return {"act": "assigned", "device": list(device), "at": at, "gateway": gateway}
