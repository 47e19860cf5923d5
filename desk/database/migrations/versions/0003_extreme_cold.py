"""The confirmed extreme-cold mode."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database from `down_revision` to `revision`."""
    op.create_table(
        "extreme_cold",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_extreme_cold"),
    )


def downgrade() -> None:
    """Undo `upgrade`."""
    op.drop_table("extreme_cold")
