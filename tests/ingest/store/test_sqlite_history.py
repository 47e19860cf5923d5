"""The SQLite store against a dictionary: writing, repeating, coming late, packing and opening
again, in any order."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ingest.store import StoredReading
from ingest.store.sqlite.store import SqliteStore
from tests.ingest.store.samples import HOUR, START, stored, summarised

DEVICES = ("pump-1", "pump-2")
END = START + 5 * HOUR
values = st.dictionaries(
    st.sampled_from(["supply_c", "flow_lpm"]), st.integers(-300, 900).map(lambda n: n / 60)
)


class History(RuleBasedStateMachine):
    """What was first written for a device and time is what there is, whatever happens around it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="hearthwatch-history-")
        self.path = Path(self.folder.name) / "readings.db"
        self.store = SqliteStore(self.path)
        self.written: dict[tuple[str, int], StoredReading] = {}

    @rule(
        device=st.sampled_from(DEVICES),
        times=st.lists(st.integers(0, 5 * HOUR // 60_000 - 1), min_size=1, max_size=12),
        measured=values,
        state=st.sampled_from(["heating", "off"]),
    )
    def write(self, device: str, times: list[int], measured: dict[str, float], state: str) -> None:
        readings = [
            stored(device, START + n * 60_000, n + 1, values=measured, state=state) for n in times
        ]
        self.store.write(readings)
        for written in readings:
            self.written.setdefault((device, written.reading.at), written)

    @rule(hours=st.integers(0, 6))
    def tend(self, hours: int) -> None:
        self.store.tend(START + hours * HOUR + 600_000)

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = SqliteStore(self.path)

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        for device in DEVICES:
            assert self.store.history(device, START, END) == self._of(device)
        in_order = sorted(
            self.written.values(), key=lambda stored: (stored.reading.at, stored.reading.device)
        )
        assert list(self.store.since(0)) == in_order

    def teardown(self) -> None:
        self.store.tend(END + HOUR)
        for device in DEVICES:
            expected = summarised(self._of(device), "supply_c", START, END, HOUR)
            hours = self.store.hours(device, START, END, ["supply_c"])
            assert hours == {"supply_c": [hour for hour in expected if hour.count]}
            newest = self._of(device)[-1:]
            assert [self.store.latest().get(device)] == (newest or [None])
        self.store.close()
        self.folder.cleanup()

    def _of(self, device: str) -> list[StoredReading]:
        return [self.written[key] for key in sorted(self.written) if key[0] == device]


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=15, stateful_step_count=10)
