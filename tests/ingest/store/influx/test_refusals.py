import pytest

from ingest.store.influx.refusals import all_refused, beyond_retention, code_of, halves, sentence
from ingest.store.influx.setup import shard_length
from tests.ingest.store.samples import START, stored
from wire.units import DAY_MS, HOUR_MS

OLD_1_8 = "400 partial write: points beyond retention policy dropped=4"
OLD_2_7 = (
    "422 failure writing points to database: partial write: dropped 4 points outside retention "
    "policy of duration 24h0m0s - oldest point m at 1970-01-01T00:00:01Z dropped because it "
    "violates a Retention Policy Lower Bound at 2025-05-20T19:06:17Z dropped=4 for database: 9f28 "
    "for retention policy: autogen"
)
CONFLICT = (
    'partial write: field type conflict: input field "room_c" on measurement "heat_pump" is type '
    "float, already exists as type string dropped=4"
)
CONFLICT_1_12 = f"{CONFLICT} for database: readings for retention policy: autogen"


@pytest.mark.parametrize(
    ("complaint", "code"),
    [
        (OLD_1_8, "too_old"),
        (OLD_2_7, "too_old"),
        (CONFLICT, "store_refused"),
        (CONFLICT_1_12, "store_refused"),
        ("400 unable to parse: invalid field format", "store_refused"),
    ],
)
def test_complaints_of_every_generation_are_understood(complaint: str, code: str) -> None:
    assert code_of(complaint) == code
    assert beyond_retention(complaint) is (code == "too_old")


def test_all_lines_are_refused_only_if_the_count_says_so() -> None:
    assert all_refused(CONFLICT_1_12, lines=4, marks=2)
    assert not all_refused(CONFLICT_1_12, lines=5, marks=2)
    assert all_refused(OLD_2_7, lines=3, marks=1)
    assert not all_refused(OLD_2_7, lines=4, marks=1)
    assert not all_refused("400 Bad Request", lines=2, marks=1)
    assert all_refused("400 Bad Request", lines=1, marks=1)
    assert all_refused(OLD_1_8.replace("4", "1"), lines=1, marks=1)


def test_a_field_in_conflict_parts_those_that_have_it_and_else_age_does() -> None:
    points = [{"room_c": 20.0}, {"coil_c": 1.0}, {"room_c": 21.0}, {}]
    written = [
        (stored("part-1", START - number, values=values), "")
        for number, values in enumerate(points)
    ]
    having, rest = halves(written, CONFLICT)
    assert [pair[0].reading.values for pair in having] == [points[0], points[2]]
    older, newer = halves(having, CONFLICT)
    assert [pair[0].reading.values for pair in (*older, *newer)] == [points[2], points[0]]
    older, newer = halves(rest, OLD_1_8)
    assert [pair[0].reading.at for pair in (*older, *newer)] == [START - 3, START - 1]


def test_an_answer_is_read_whatever_it_is() -> None:
    assert sentence(b'{"code":"invalid","message":"no"}') == "no"
    assert sentence('{"error":"no"}') == "no"
    assert sentence(b"404 page not found\n") == "404 page not found"
    assert sentence(b"[1]") == "[1]"
    assert sentence(None) == ""


def test_shards_fit_into_the_retention_and_chosen_ones_stay() -> None:
    assert shard_length(0, HOUR_MS) == 7 * DAY_MS
    assert shard_length(3 * DAY_MS, 7 * DAY_MS) == DAY_MS
    assert shard_length(HOUR_MS, 7 * DAY_MS) == HOUR_MS
    assert shard_length(400 * DAY_MS, 182 * DAY_MS) == 182 * DAY_MS
    assert shard_length(0, 182 * DAY_MS) == 182 * DAY_MS
