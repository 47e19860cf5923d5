"""The tables of the ticket database: what is, never what may happen to it.

All times are integer UTC milliseconds. `alerts.core.life` and `desk.tickets.life_cycle` decide what
changes.
"""

from typing import Any, Final

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, MetaData, String, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# SQLite counts rows by itself only for a column declared INTEGER.
_COUNTER: Final = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Common metadata: migrations name constraints, so their names are fixed."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy
        int: BigInteger,
        str: String,
        dict[str, Any]: JSON,
        dict[str, str]: JSON,
        list[str]: JSON,
    }


class AlertRow(Base):
    """One episode of one condition; `code` is '' where the rule has none, `ended` the event time of
    the clear.

    `realm` is '' for a device, else within what the subject's id is unique; `cause` is the alert it
    follows from.
    """

    __tablename__ = "alert"

    id: Mapped[str] = mapped_column(primary_key=True)
    rule: Mapped[str]
    subject: Mapped[str]
    subject_kind: Mapped[str]
    code: Mapped[str] = mapped_column(default="")
    district: Mapped[str]
    town: Mapped[str]
    village: Mapped[str]
    gateway: Mapped[str | None]
    priority: Mapped[str]
    state: Mapped[str]
    acknowledged_by: Mapped[str | None]
    acknowledged_at: Mapped[int | None]
    shelved_until: Mapped[int | None]
    shelved_by: Mapped[str | None]
    shelved_reason: Mapped[str | None]
    out_until: Mapped[int | None]
    out_by: Mapped[str | None]
    out_reason: Mapped[str | None]
    onset: Mapped[int]
    raised_at: Mapped[int]
    announced_at: Mapped[int | None]
    cleared_at: Mapped[int | None]
    ended: Mapped[int | None]
    reason: Mapped[str] = mapped_column(default="")
    value: Mapped[float | None]
    limit: Mapped[float | None] = mapped_column("limit_value")
    unit: Mapped[str | None]
    children: Mapped[int] = mapped_column(default=0)
    ticket_id: Mapped[str | None] = mapped_column(ForeignKey("ticket.id"))
    text: Mapped[dict[str, str]]
    realm: Mapped[str] = mapped_column(server_default="")
    cause: Mapped[str | None]

    __table_args__ = (
        Index("uq_alert_episode", "subject", "rule", "code", "realm", "onset", unique=True),
        Index(
            "uq_alert_active",
            "subject",
            "rule",
            "code",
            "realm",
            unique=True,
            sqlite_where=sql("state = 'active'"),
            postgresql_where=sql("state = 'active'"),
        ),
        Index("ix_alert_state_raised", "state", "raised_at", "id"),
        Index("ix_alert_raised", "raised_at", "id"),
        Index("ix_alert_ticket", "ticket_id"),
    )


class TicketRow(Base):
    """A case for the people on duty; `case_key` is its household and kind while it is open.

    The key is NULL afterwards, and for a call that names neither household nor device.
    `proposed_at` is since when the ticket is proposed for closing: its alerts cleared before
    anybody was sent.
    """

    __tablename__ = "ticket"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    priority: Mapped[str]
    case_key: Mapped[str | None] = mapped_column(unique=True)
    device: Mapped[str | None]
    gateway: Mapped[str | None]
    household: Mapped[str | None]
    brand: Mapped[str | None]
    district: Mapped[str]
    town: Mapped[str]
    village: Mapped[str]
    source: Mapped[str]
    opened_at: Mapped[int]
    dispatch_by: Mapped[int]
    onsite_by: Mapped[int]
    repair_by: Mapped[int]
    dispatched_at: Mapped[int | None]
    arrived_at: Mapped[int | None]
    repaired_at: Mapped[int | None]
    verified_at: Mapped[int | None]
    closed_at: Mapped[int | None]
    proposed_at: Mapped[int | None]
    crew: Mapped[str | None]
    payer: Mapped[str | None]
    caller_name: Mapped[str | None]
    caller_phone: Mapped[str | None]
    called_at: Mapped[int | None]
    fault: Mapped[str | None] = mapped_column(Text)
    measures: Mapped[str | None] = mapped_column(Text)
    parts: Mapped[list[str]]
    score: Mapped[int | None]
    summary: Mapped[dict[str, str]]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        Index("ix_ticket_state_opened", "state", "opened_at", "id"),
        Index("ix_ticket_opened", "opened_at", "id"),
        Index("ix_ticket_device", "device"),
        Index("ix_ticket_crew", "crew"),
    )


class TicketEventRow(Base):
    """The audit trail of a ticket: every step, note, complaint, escalation and linked alert."""

    __tablename__ = "ticket_event"

    id: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("ticket.id"), index=True)
    at: Mapped[int]
    event: Mapped[str]
    by: Mapped[str] = mapped_column("by_name")
    details: Mapped[dict[str, Any]]


class EscalationRow(Base):
    """A deadline that passed; the key is what makes each escalate exactly once."""

    __tablename__ = "escalation"

    ticket_id: Mapped[str] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    due: Mapped[int]
    at: Mapped[int]


class TicketAlertRow(Base):
    """Which alerts belong to which ticket."""

    __tablename__ = "ticket_alert"

    ticket_id: Mapped[str] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alert.id"), primary_key=True, index=True)


class OutboxRow(Base):
    """An effect that is due outside the database; the row goes when the effect is confirmed."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    created: Mapped[int]

    __table_args__ = ({"sqlite_autoincrement": True},)


class GatewayRow(Base):
    """A village box as its last birth told of it."""

    __tablename__ = "gateway"

    district: Mapped[str] = mapped_column(primary_key=True)
    town: Mapped[str] = mapped_column(primary_key=True)
    village: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    online: Mapped[bool]
    epoch: Mapped[str | None]
    software: Mapped[str | None]
    interval_ms: Mapped[int | None]
    birth_at: Mapped[int | None]
    last_heard: Mapped[int | None]


class DeviceRow(Base):
    """One heat pump: where it is, and what was last heard of it (`last_at` event time, `last_heard`
    server time)."""

    __tablename__ = "device"

    id: Mapped[str] = mapped_column(primary_key=True)
    district: Mapped[str]
    town: Mapped[str]
    village: Mapped[str]
    gateway: Mapped[str]
    listed: Mapped[bool] = mapped_column(default=True)
    profile: Mapped[str | None]
    brand: Mapped[str | None]
    bus: Mapped[str | None]
    address: Mapped[int | None]
    household: Mapped[str | None]
    last_at: Mapped[int | None]
    last_heard: Mapped[int | None]
    last_state: Mapped[str | None]

    __table_args__ = (
        Index("ix_device_place", "district", "town", "village", "gateway"),
        Index("ix_device_brand", "brand"),
    )


class RetirementRow(Base):
    """The newest decision on a gateway (its whole path): ended, or taken back."""

    __tablename__ = "retirement"

    gateway: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[int]
    retired: Mapped[bool]


class AssignmentRow(Base):
    """The newest decision on a device: the gateway (its whole path) that it belongs to, or NULL."""

    __tablename__ = "assignment"

    device: Mapped[str] = mapped_column(primary_key=True)
    district: Mapped[str]
    at: Mapped[int]
    gateway: Mapped[str | None]


class BoxActRow(Base):
    """Who decided what on gateways and devices, never changed: the state before and after."""

    __tablename__ = "box_act"

    id: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    at: Mapped[int]
    by: Mapped[str] = mapped_column("by_name")
    act: Mapped[str]
    subject: Mapped[str]
    before: Mapped[str | None]
    after: Mapped[str | None]
    why: Mapped[str]


class OutOfServiceRow(Base):
    """A device that a person has taken out of service, since and until when (ISA-18.2 "out of
    service")."""

    __tablename__ = "out_of_service"

    device: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[int]
    reason: Mapped[str]
    by: Mapped[str] = mapped_column("by_name")
    since: Mapped[int]


class ExtremeColdRow(Base):
    """The extreme-cold mode of a district as last confirmed: from when until when, by whom."""

    __tablename__ = "extreme_cold_of"

    district: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[int]
    until: Mapped[int]
    by: Mapped[str] = mapped_column("by_name")
    confirmed_at: Mapped[int]


class LateSpanRow(Base):
    """Event times, first and last, at which late readings of a device came, the newest of them at
    `heard`."""

    __tablename__ = "late_span"

    device: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[int]
    until: Mapped[int]
    heard: Mapped[int]


class AccountRow(Base):
    """A person who may log in; `scope` is the id the role is limited to, NULL for all."""

    __tablename__ = "account"

    name: Mapped[str] = mapped_column(primary_key=True)
    password_hash: Mapped[str]
    role: Mapped[str]
    scope: Mapped[str | None]
    created: Mapped[int]
    disabled: Mapped[bool] = mapped_column(default=False)


class ApiTokenRow(Base):
    """A bearer token, by its SHA-256 alone."""

    __tablename__ = "api_token"

    hash: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    scope: Mapped[str | None]
    created: Mapped[int]
    revoked: Mapped[int | None]
    name: Mapped[str | None]
    expires: Mapped[int | None]
    last_used: Mapped[int | None]


class WebSessionRow(Base):
    """A browser's login, by the SHA-256 of its cookie."""

    __tablename__ = "web_session"

    hash: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    created: Mapped[int]
    expires: Mapped[int]
    last_used: Mapped[int]


class FeedEventRow(Base):
    """One line of the live feed; readers resume after the last `id` they saw, so ids become visible
    in order."""

    __tablename__ = "feed_event"

    id: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    at: Mapped[int]
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    district: Mapped[str | None]
    town: Mapped[str | None]
    village: Mapped[str | None]
    device: Mapped[str | None]
    brand: Mapped[str | None]
    household: Mapped[str | None]
    crew: Mapped[str | None]

    __table_args__ = (Index("ix_feed_event_at", "at"), {"sqlite_autoincrement": True})


class AuditRow(Base):
    """A line of the audit log, which no UPDATE changes and no DELETE removes within six months:
    triggers of the database see to it."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int]
    who: Mapped[str]
    address: Mapped[str | None]
    what: Mapped[str]
    subject: Mapped[str | None]
    before: Mapped[dict[str, Any] | None] = mapped_column("before_state", JSON(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column("after_state", JSON(none_as_null=True))
    previous: Mapped[str]
    hash: Mapped[str]

    __table_args__ = (
        Index("ix_audit_at", "at"),
        Index("ix_audit_who", "who", "id"),
        Index("ix_audit_what", "what", "id"),
    )
