"""Decisions of the desk on gateways and devices, and who took them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database from `down_revision` to `revision`."""
    op.create_table(
        "retirement",
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name="pk_retirement"),
    )
    op.create_table(
        "assignment",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("device", name="pk_assignment"),
    )
    op.create_table(
        "box_act",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=True),
        sa.Column("after", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_box_act"),
    )


def downgrade() -> None:
    """Undo `upgrade`."""
    for table in ("box_act", "assignment", "retirement"):
        op.drop_table(table)
