"""Names, ends and last uses of tokens; last uses of sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OF_TOKEN = (
    ("name", sa.String()),
    ("expires", sa.BigInteger()),
    ("last_used", sa.BigInteger()),
)


def upgrade() -> None:
    """Bring the database from `down_revision` to `revision`; browsers log in again."""
    for name, kind in _OF_TOKEN:
        op.add_column("api_token", sa.Column(name, kind, nullable=True))
    op.execute("DELETE FROM web_session")
    op.add_column(
        "web_session", sa.Column("last_used", sa.BigInteger(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    """Undo `upgrade`."""
    op.drop_column("web_session", "last_used")
    for name, _ in _OF_TOKEN:
        op.drop_column("api_token", name)
