"""A round that cannot be written whole is written but for the change at fault."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from alerts.core.model import GatewayDeath, Round
from alerts.database_retry import DatabaseRetry
from alerts.write_in_parts import is_of_content, write_in_parts
from desk.ledger.known import LastHeard
from wire.topics import GatewayPath


def changes(devices: int, gateways: int, *, timed: bool) -> Round:
    deaths = [GatewayDeath(GatewayPath("d", "t", "v", f"g-{n}")) for n in range(gateways)]
    heard = {f"d-{n}": LastHeard(n, n, "off") for n in range(devices)}
    return Round(0, statuses=deaths, heard=heard, timed=timed)


def pieces(round_: Round) -> list[str]:
    deaths = [death.gateway.gateway for death in round_.statuses]
    return [*deaths, *round_.heard, *(["timed"] if round_.timed else [])]


@given(st.integers(0, 9), st.integers(0, 9), st.booleans(), st.data())
def test_exactly_the_changes_at_fault_are_left_out_and_the_order_stays(
    devices: int, gateways: int, timed: bool, data: st.DataObject
) -> None:
    whole = pieces(changes(devices, gateways, timed=timed))
    bad = data.draw(st.sets(st.sampled_from(whole or [""]), max_size=3))
    written: list[str] = []
    left_out: list[tuple[str, str]] = []

    def write(part: Round) -> None:
        if bad.intersection(pieces(part)):
            raise OverflowError
        written.extend(pieces(part))

    def set_aside(step: str, what: str, error: Exception) -> None:
        left_out.append((step, what))

    round_ = changes(devices, gateways, timed=timed)
    for _ in write_in_parts(round_, write, set_aside) if whole else ():
        pass
    assert written == [piece for piece in whole if piece not in bad]
    assert [step for step, _ in left_out] == ["write"] * len(bad.intersection(whole))


class _OfPostgres(Exception):  # noqa: N818 - stands for an error of the driver
    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "of_content"),
    [
        (OverflowError(), True),
        (KeyError("x"), True),
        (DataError("", {}, _OfPostgres("22003")), True),
        (IntegrityError("", {}, _OfPostgres("23505")), True),
        (OperationalError("", {}, _OfPostgres("54000")), True),
        (OperationalError("", {}, _OfPostgres("53100")), False),
        (OperationalError("", {}, Exception("disk I/O error")), False),
        (OSError(), False),
        (DatabaseRetry.Stopped(), False),
    ],
)
def test_the_state_of_the_database_is_nobodys_content(error: Any, of_content: bool) -> None:
    assert is_of_content(error) == of_content


def test_an_error_of_the_database_itself_is_raised() -> None:
    def write(part: Round) -> None:
        raise OperationalError("", {}, Exception("disk I/O error"))

    with pytest.raises(OperationalError):
        list(write_in_parts(changes(2, 2, timed=True), write, lambda *_: None))
