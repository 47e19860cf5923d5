"""The confirmed extreme-cold mode of each district, instead of one for the server."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TIMES = ("since", "until", "by_name", "confirmed_at")
_CARRY_OVER = """
INSERT INTO extreme_cold_of (district, since, until, by_name, confirmed_at)
SELECT known.district, mode.since, mode.until, mode.by_name, mode.confirmed_at
FROM extreme_cold AS mode, (SELECT DISTINCT district FROM gateway) AS known"""


def upgrade() -> None:
    """Bring the database from `down_revision` to `revision`: a mode holds for every district."""
    op.create_table(
        "extreme_cold_of",
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district", name="pk_extreme_cold_of"),
    )
    op.execute(_CARRY_OVER)
    op.drop_table("extreme_cold")


def downgrade() -> None:
    """Undo `upgrade`; of several districts the mode that ends last stays."""
    op.create_table(
        "extreme_cold",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_extreme_cold"),
    )
    columns = ", ".join(_TIMES)
    op.execute(
        f"INSERT INTO extreme_cold (id, {columns}) SELECT 1, {columns} "  # noqa: S608 - our names
        "FROM extreme_cold_of ORDER BY until DESC LIMIT 1"
    )
    op.drop_table("extreme_cold_of")
