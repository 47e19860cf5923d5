"""Chattering alarms: one that goes and comes again and again stays open as one alert.

ISA-18.2 and EEMUA 191 call an alarm chattering that becomes active three or more times within a
minute. Where a minute holds but two readings that cannot be seen, so the same three are counted
within twenty polls, and a minute at least: ten minutes at a reading every 30 s (ours; a fault that
takes two readings to clear can come three times in five). From the third raise on, a clear is kept
back; a raise that follows it goes unsaid, and when the alarm has been quiet for that time, of the
device's own, it clears.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Final

import numpy as np

from rules.transitions.transition import OpenCondition, Transition
from wire.units import MINUTE_MS

RAISES: Final = 3
POLLS: Final = 20
AT_LEAST_MS: Final = MINUTE_MS
_DEFAULT_INTERVAL_MS: Final = (
    30_000  # of a device whose gateway has not told (contract §9 `interval`)
)

_Key = tuple[str, str, str]


class Chatter:
    """Watches the transitions of devices; those it holds open are `open`. `interval_of` tells a
    poll interval in ms."""

    def __init__(self, interval_of: Callable[[str], int]) -> None:
        self._interval_of = interval_of
        self._raised: dict[_Key, list[int]] = {}  # times of the latest raises, said or not
        self._held: dict[_Key, Transition] = {}  # clears kept back
        self._onset: dict[
            _Key, int
        ] = {}  # of an alert that stayed open while its rule had another begin

    def filter(self, transitions: Sequence[Transition]) -> list[Transition]:
        """What is to be said of `transitions`, which are in order of time."""
        return [said for one in transitions for said in self._say(one)]

    def _say(self, one: Transition) -> Iterator[Transition]:
        key = _key(one)
        if one.edge == "raise":
            within_ms = self._within_ms(one.subject)
            recent = [at for at in self._raised.get(key, ()) if one.at - at < within_ms]
            self._raised[key] = [*recent, one.at][-RAISES:]
            held = self._held.pop(key, None)
            if held is not None:
                self._onset[key] = held.onset
                return
            yield replace(one, reason="chattering") if self._chatters(key, one.at) else one
        elif one.edge == "clear" and self._chatters(key, one.at):
            self._held[key] = replace(one, onset=self._onset.pop(key, one.onset))
        else:
            onset = self._onset.get(key, one.onset)
            yield one if onset == one.onset else replace(one, onset=onset)
            if one.edge == "clear":
                self._onset.pop(key, None)

    def _chatters(self, key: _Key, at: int) -> bool:
        raised = self._raised.get(key, ())
        return len(raised) == RAISES and at - raised[0] < self._within_ms(key[1])

    def _within_ms(self, device: str) -> int:
        return max(POLLS * (self._interval_of(device) or _DEFAULT_INTERVAL_MS), AT_LEAST_MS)

    def release(self, newest: Callable[[str], int]) -> list[Transition]:
        """The clears of alarms that have been quiet long enough; `newest` tells the event time (UTC
        ms) of a device."""
        over = [
            replace(held, at=at, reason="chattering_over")
            for held in self._held.values()
            if (at := newest(held.subject)) - held.at >= self._within_ms(held.subject)
        ]
        for one in over:
            del self._held[_key(one)]
        return over

    def tidy(self, newest: Callable[[str], int]) -> None:
        """Forget raises that are too long ago to count."""
        gone = [
            key
            for key, times in self._raised.items()
            if newest(key[1]) - times[-1] >= self._within_ms(key[1])
        ]
        for key in gone:
            del self._raised[key]

    def open(self) -> list[OpenCondition]:
        """The alerts that stay open while their rule says otherwise."""
        return [
            OpenCondition(one.rule, one.subject, one.code, one.onset) for one in self._held.values()
        ]

    def onset_of(self, episode: OpenCondition) -> int:
        """Since when the alert is open that the rule has as `episode`."""
        return self._onset.get((episode.rule, episode.subject, episode.code or ""), episode.onset)

    def forget(self, device: str) -> None:
        """Drop all that is held of a device."""
        for part in (self._raised, self._held, self._onset):
            for key in [key for key in part if key[1] == device]:
                del part[key]

    def snapshot(self) -> dict[str, np.ndarray]:
        """The whole state as texts."""
        state = {
            "raised": [[*key, times] for key, times in self._raised.items()],
            "held": [asdict(one) for one in self._held.values()],
            "onset": [[*key, onset] for key, onset in self._onset.items()],
        }
        return {name: np.array([json.dumps(rows)], np.str_) for name, rows in state.items()}

    def restore(self, saved: Mapping[str, np.ndarray]) -> None:
        """Take back a snapshot; an empty one changes nothing."""
        if not saved:
            return
        rows = {name: json.loads(str(values[0])) for name, values in saved.items()}
        self._raised |= {
            (rule, device, code): times for rule, device, code, times in rows["raised"]
        }
        self._held |= {_key(one): one for one in (Transition(**held) for held in rows["held"])}
        self._onset |= {(rule, device, code): onset for rule, device, code, onset in rows["onset"]}


def _key(one: Transition) -> _Key:
    return one.rule, one.subject, one.code or ""
