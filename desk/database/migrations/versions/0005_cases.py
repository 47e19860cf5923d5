"""Cases keyed by village and household or device; proposals to close; alerts out of service."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ALERT = (("out_until", sa.BigInteger()), ("out_by", sa.String()), ("out_reason", sa.String()))
_TICKET = sa.table(
    "ticket",
    *(
        sa.column(name, sa.String())
        for name in (
            *("id", "kind", "case_key", "source", "household", "device"),
            *("district", "town", "village", "gateway"),
        )
    ),
)


def upgrade() -> None:
    """Bring the database from `down_revision` to `revision`."""
    for name, kind in _ALERT:
        op.add_column("alert", sa.Column(name, kind, nullable=True))
    op.add_column("ticket", sa.Column("proposed_at", sa.BigInteger(), nullable=True))
    _write_keys(_key)


def downgrade() -> None:
    """Undo `upgrade`."""
    _write_keys(_key_before)
    op.drop_column("ticket", "proposed_at")
    for name, _ in _ALERT:
        op.drop_column("alert", name)


def _write_keys(key) -> None:  # type: ignore[no-untyped-def]
    """Give every open ticket the key that `key` makes of its row; a key taken already stays out."""
    connection = op.get_bind()
    is_open = sa.column("state").not_in(["closed", "cancelled"])
    rows = connection.execute(sa.select(_TICKET).where(is_open).order_by(_TICKET.c.id)).all()
    connection.execute(sa.update(_TICKET).values(case_key=None))
    taken = set()
    for row in rows:
        name = key(row)
        if name is not None and name not in taken:
            taken.add(name)
            connection.execute(
                sa.update(_TICKET).where(_TICKET.c.id == row.id).values(case_key=name)
            )


def _key(row) -> str | None:  # type: ignore[no-untyped-def]
    village = (row.district, row.town, row.village)
    for what, who in (("household", row.household), ("device", row.device)):
        if who is not None:
            return _joined(*village, what, who, row.kind)
    if row.source != "telemetry":
        return None
    return _joined(*village, *([row.gateway] if row.gateway else []), row.kind)


def _joined(*names: str) -> str:
    return "/".join(name.replace("%", "%25").replace("/", "%2F") for name in names)


def _key_before(row) -> str:  # type: ignore[no-untyped-def]
    who = row.household or row.device
    if who is not None:
        return f"{row.district}/{who}/{row.kind}"
    place = (row.district, row.town, row.village, *([row.gateway] if row.gateway else []))
    return "/".join((*place, row.kind))
