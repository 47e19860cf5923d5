"""What an InfluxDB refuses, by its own words, and how a refused batch is split. Pure.

A refused write names one reason and how many points it cost; the other points are stored:

* 1.8: `partial write: points beyond retention policy dropped=3`
* 1.12 and 2.7: `partial write: dropped 3 points outside retention policy of duration 24h0m0s - …
  dropped=3 for database: D for retention policy: autogen`
* all: `partial write: field type conflict: input field "room_c" on measurement "heat_pump" is type
  float, already exists as type string dropped=5`, in the newer ones with the same ending.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from ingest.store.model import RefusalCode, StoredReading, StoreUnavailable

Written = Sequence[tuple[StoredReading, str]]
"""Readings, each with its line."""

_BEYOND_RETENTION: Final = re.compile(r"(beyond|outside) retention policy")
_CONFLICT: Final = re.compile(r'field type conflict: input field "([^"]+)"')
_DROPPED: Final = re.compile(r"dropped=(\d+)")


class RequestRefused(StoreUnavailable):
    """The server answered, and refused.

    `status` is that of HTTP, or 0 where the body of the answer says so. `about_organisation`: it
    has none of that name.
    """

    def __init__(self, text: str, status: int = 0, about_organisation: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.about_organisation = about_organisation


class ContentRefused(RequestRefused):
    """The server refused what this request holds or asks for; it may take the next one."""


def sentence(body: str | bytes | None) -> str:
    """Return what an answer says: its `message` or `error` if it is JSON, else all of it."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body or ""
    try:
        document: Any = json.loads(text)
        return str(document.get("message") or document["error"])
    except (ValueError, AttributeError, KeyError):
        return text.strip()


def beyond_retention(complaint: str) -> bool:
    """Return whether points were older than the retention of the bucket."""
    return _BEYOND_RETENTION.search(complaint) is not None


def code_of(complaint: str) -> RefusalCode:
    """Return the code of the dead letters of refused lines."""
    return "too_old" if beyond_retention(complaint) else "store_refused"


def all_refused(complaint: str, lines: int, marks: int) -> bool:
    """Return whether `complaint` costs every one of `lines`, which came with `marks` marks.

    A mark may be too old as its lines are. It has no field whose type could conflict.
    """
    dropped = _DROPPED.search(complaint)
    if dropped is None or lines == 1:
        return lines == 1
    return int(dropped[1]) >= (lines + marks if beyond_retention(complaint) else lines)


def halves(written: Written, complaint: str) -> tuple[Written, Written]:
    """Return two or more readings in two parts, neither empty, of which one may be all at fault.

    A field in conflict parts the readings that have it from the others. Else age does: types differ
    by shard, which is a stretch of time, and too old is everything before some time.
    """
    assert len(written) > 1, "a single reading is at fault itself"
    conflict = _CONFLICT.search(complaint)
    if conflict is not None:
        having = [pair for pair in written if conflict[1] in pair[0].reading.values]
        if 0 < len(having) < len(written):
            return having, [pair for pair in written if conflict[1] not in pair[0].reading.values]
    by_age = sorted(written, key=lambda pair: pair[0].reading.at)
    half = len(by_age) // 2
    return by_age[:half], by_age[half:]
