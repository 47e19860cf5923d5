"""One desk (server and databases) for each test of the API."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.serving import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.start()
    try:
        yield desk
    finally:
        desk.close()
