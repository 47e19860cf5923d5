"""Which ends of connections mean that another process uses the client id."""

import pytest

from messaging.takeovers import Takeovers


def judged(*connections: tuple[float, float]) -> list[bool]:
    """The answer at the end of each connection, given as when it began and ended."""
    takeovers = Takeovers()
    answers = []
    for began, ended in connections:
        takeovers.accepted(began)
        answers.append(takeovers.ended(ended))
    return answers


@pytest.mark.parametrize(
    ("connections", "answers"),
    [
        ([(0, 1), (2, 3), (4, 5)], [False, False, True]),
        ([(0, 1), (2, 3), (4, 5), (6, 7)], [False, False, True, True]),
        ([(0, 1), (2, 3), (4, 100), (101, 102)], [False, False, False, False]),
        ([(0, 1), (40, 41), (80, 81)], [False, False, False]),
        ([(0, 3_600), (3_601, 3_602), (3_603, 3_604)], [False, False, False]),
    ],
)
def test_three_short_connections_in_a_row_are_no_accident(
    connections: list[tuple[float, float]], answers: list[bool]
) -> None:
    assert judged(*connections) == answers


def test_an_end_without_a_connection_says_nothing() -> None:
    assert not Takeovers().ended(1)
