"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database from `down_revision` to `revision`."""
    op.create_table(
        "account",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_account"),
    )
    op.create_table(
        "api_token",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name="pk_api_token"),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("town", sa.String(), nullable=False),
        sa.Column("village", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("profile", sa.String(), nullable=True),
        sa.Column("brand", sa.String(), nullable=True),
        sa.Column("bus", sa.String(), nullable=True),
        sa.Column("address", sa.BigInteger(), nullable=True),
        sa.Column("household", sa.String(), nullable=True),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.Column("last_heard", sa.BigInteger(), nullable=True),
        sa.Column("last_state", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
    )
    op.create_index("ix_device_brand", "device", ["brand"], unique=False)
    op.create_index(
        "ix_device_place", "device", ["district", "town", "village", "gateway"], unique=False
    )
    op.create_table(
        "feed_event",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("district", sa.String(), nullable=True),
        sa.Column("town", sa.String(), nullable=True),
        sa.Column("village", sa.String(), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("brand", sa.String(), nullable=True),
        sa.Column("household", sa.String(), nullable=True),
        sa.Column("crew", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_feed_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feed_event_at", "feed_event", ["at"], unique=False)
    op.create_table(
        "gateway",
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("town", sa.String(), nullable=False),
        sa.Column("village", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=True),
        sa.Column("software", sa.String(), nullable=True),
        sa.Column("interval_ms", sa.BigInteger(), nullable=True),
        sa.Column("birth_at", sa.BigInteger(), nullable=True),
        sa.Column("last_heard", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("district", "town", "village", "id", name="pk_gateway"),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ticket",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("priority", sa.String(), nullable=False),
        sa.Column("case_key", sa.String(), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("gateway", sa.String(), nullable=True),
        sa.Column("household", sa.String(), nullable=True),
        sa.Column("brand", sa.String(), nullable=True),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("town", sa.String(), nullable=False),
        sa.Column("village", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("dispatch_by", sa.BigInteger(), nullable=False),
        sa.Column("onsite_by", sa.BigInteger(), nullable=False),
        sa.Column("repair_by", sa.BigInteger(), nullable=False),
        sa.Column("dispatched_at", sa.BigInteger(), nullable=True),
        sa.Column("arrived_at", sa.BigInteger(), nullable=True),
        sa.Column("repaired_at", sa.BigInteger(), nullable=True),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("crew", sa.String(), nullable=True),
        sa.Column("payer", sa.String(), nullable=True),
        sa.Column("caller_name", sa.String(), nullable=True),
        sa.Column("caller_phone", sa.String(), nullable=True),
        sa.Column("called_at", sa.BigInteger(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("measures", sa.Text(), nullable=True),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ticket"),
        sa.UniqueConstraint("case_key", name="uq_ticket_case_key"),
    )
    op.create_index("ix_ticket_crew", "ticket", ["crew"], unique=False)
    op.create_index("ix_ticket_device", "ticket", ["device"], unique=False)
    op.create_index("ix_ticket_opened", "ticket", ["opened_at", "id"], unique=False)
    op.create_index("ix_ticket_state_opened", "ticket", ["state", "opened_at", "id"], unique=False)
    op.create_table(
        "alert",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("town", sa.String(), nullable=False),
        sa.Column("village", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=True),
        sa.Column("priority", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("shelved_until", sa.BigInteger(), nullable=True),
        sa.Column("shelved_by", sa.String(), nullable=True),
        sa.Column("shelved_reason", sa.String(), nullable=True),
        sa.Column("onset", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("announced_at", sa.BigInteger(), nullable=True),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("limit_value", sa.Double(), nullable=True),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("children", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.String(), nullable=True),
        sa.Column("text", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_alert_ticket_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
    )
    op.create_index("ix_alert_raised", "alert", ["raised_at", "id"], unique=False)
    op.create_index("ix_alert_state_raised", "alert", ["state", "raised_at", "id"], unique=False)
    op.create_index("ix_alert_ticket", "alert", ["ticket_id"], unique=False)
    op.create_index(
        "uq_alert_active",
        "alert",
        ["subject", "rule", "code"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index("uq_alert_episode", "alert", ["subject", "rule", "code", "onset"], unique=True)
    op.create_table(
        "escalation",
        sa.Column("ticket_id", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_escalation_ticket_id"),
        sa.PrimaryKeyConstraint("ticket_id", "stage", name="pk_escalation"),
    )
    op.create_table(
        "ticket_event",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("ticket_id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_ticket_event_ticket_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ticket_event"),
    )
    op.create_index("ix_ticket_event_ticket_id", "ticket_event", ["ticket_id"], unique=False)
    op.create_table(
        "web_session",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.name"], name="fk_web_session_account"),
        sa.PrimaryKeyConstraint("hash", name="pk_web_session"),
    )
    op.create_index("ix_web_session_account", "web_session", ["account"], unique=False)
    op.create_table(
        "ticket_alert",
        sa.Column("ticket_id", sa.String(), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_ticket_alert_alert_id"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_ticket_alert_ticket_id"),
        sa.PrimaryKeyConstraint("ticket_id", "alert_id", name="pk_ticket_alert"),
    )
    op.create_index("ix_ticket_alert_alert_id", "ticket_alert", ["alert_id"], unique=False)


def downgrade() -> None:
    """Undo `upgrade`."""
    op.drop_table("ticket_alert")
    op.drop_table("web_session")
    op.drop_table("ticket_event")
    op.drop_table("escalation")
    op.drop_table("alert")
    op.drop_table("ticket")
    op.drop_table("outbox")
    op.drop_table("gateway")
    op.drop_table("feed_event")
    op.drop_table("device")
    op.drop_table("api_token")
    op.drop_table("account")
