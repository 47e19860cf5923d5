"""Alerts of equal names in different towns, causes, devices out of service, and late spans to
judge."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ACTIVE = sa.text("state = 'active'")


def upgrade() -> None:
    """Bring the database from `down_revision` to `revision`."""
    op.add_column("alert", sa.Column("realm", sa.String(), nullable=False, server_default=""))
    op.add_column("alert", sa.Column("cause", sa.String(), nullable=True))
    op.execute("UPDATE alert SET realm = district || '/' || town WHERE subject_kind = 'village'")
    op.execute(
        "UPDATE alert SET realm = district || '/' || town || '/' || village "
        "WHERE subject_kind = 'gateway'"
    )
    _index_by(["subject", "rule", "code", "realm"])
    op.create_table(
        "out_of_service",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_out_of_service"),
    )
    op.create_table(
        "late_span",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_late_span"),
    )


def downgrade() -> None:
    """Undo `upgrade`."""
    op.drop_table("late_span")
    op.drop_table("out_of_service")
    _index_by(["subject", "rule", "code"])
    op.drop_column("alert", "cause")
    op.drop_column("alert", "realm")


def _index_by(key: list[str]) -> None:
    op.drop_index("uq_alert_episode", "alert")
    op.drop_index("uq_alert_active", "alert")
    op.create_index("uq_alert_episode", "alert", [*key, "onset"], unique=True)
    op.create_index(
        "uq_alert_active", "alert", key, unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE
    )
