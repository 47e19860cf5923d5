"""Chattering alarms: an alarm that comes and goes again and again stays open as one alert.

ISA-18.2 and EEMUA 191 call an alarm chattering that becomes active three or more times within a
minute. At a 30 s poll a minute holds only two readings, so three raises cannot occur within it.
The same three are therefore counted within twenty polls, and a minute at least: ten minutes at a
poll of 30 s (ours; a fault that clears after two readings can come three times in five minutes).
From the third raise on a clear is kept back, and a raise that follows it is not reported. When the
alarm has been quiet for that time, by the device's own event time, the kept clear is released.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np

from rules.transitions.transition import OpenCondition, Transition
from wire.units import MINUTE_MS, SECOND_MS

RAISES: Final = 3
POLLS: Final = 20
AT_LEAST_MS: Final = MINUTE_MS
_DEFAULT_INTERVAL_MS: Final = 30 * SECOND_MS
"""For a device whose gateway has not reported its interval (contract §9 `interval`)."""

_SAVED: Final = tuple(spec.name for spec in fields(Transition) if spec.name != "gateway_path")
"""The fields of a transition that a snapshot keeps; a device has no path of its own."""

_Key = tuple[str, str, str]
"""Rule, device and code."""


class Chatter:
    """Filters the transitions of devices; `interval_of` gives a device's poll interval in ms."""

    def __init__(self, interval_of: Callable[[str], int]) -> None:
        self._interval_of = interval_of
        self._raised: dict[_Key, list[int]] = {}  # times of the latest raises, reported or not
        self._kept: dict[_Key, Transition] = {}  # clears kept back
        # Onset of an alert that stayed open while its rule began another one:
        self._onset: dict[_Key, int] = {}

    def filter(self, transitions: Sequence[Transition]) -> list[Transition]:
        """The transitions to report, of `transitions` in order of time."""
        return [reported for transition in transitions for reported in self._filter(transition)]

    def _filter(self, transition: Transition) -> Iterator[Transition]:
        key = _key(transition)
        if transition.edge == "raise":
            yield from self._filter_raise(key, transition)
        elif transition.edge == "clear" and self._chatters(key, transition.at):
            self._kept[key] = replace(transition, onset=self._onset.pop(key, transition.onset))
        else:
            onset = self._onset.get(key, transition.onset)
            yield transition if onset == transition.onset else replace(transition, onset=onset)
            if transition.edge == "clear":
                self._onset.pop(key, None)

    def _filter_raise(self, key: _Key, transition: Transition) -> Iterator[Transition]:
        within_ms = self._within_ms(transition.subject)
        recent = [at for at in self._raised.get(key, ()) if transition.at - at < within_ms]
        self._raised[key] = [*recent, transition.at][-RAISES:]
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._onset[key] = kept.onset
        elif self._chatters(key, transition.at):
            yield replace(transition, reason="chattering")
        else:
            yield transition

    def _chatters(self, key: _Key, at: int) -> bool:
        raised = self._raised.get(key, ())
        return len(raised) == RAISES and at - raised[0] < self._within_ms(key[1])

    def _within_ms(self, device: str) -> int:
        return max(POLLS * (self._interval_of(device) or _DEFAULT_INTERVAL_MS), AT_LEAST_MS)

    def release(self, newest: Callable[[str], int]) -> list[Transition]:
        """The kept clears of alarms that were quiet long enough.

        `newest` gives the event time (UTC ms) of a device's newest reading.
        """
        over = [
            replace(kept, at=at, reason="chattering_over")
            for kept in self._kept.values()
            if (at := newest(kept.subject)) - kept.at >= self._within_ms(kept.subject)
        ]
        for clear in over:
            del self._kept[_key(clear)]
        return over

    def tidy(self, newest: Callable[[str], int]) -> None:
        """Forget raises that are too old to count; `newest` as in `release`."""
        old = [
            key
            for key, times in self._raised.items()
            if newest(key[1]) - times[-1] >= self._within_ms(key[1])
        ]
        for key in old:
            del self._raised[key]

    def open(self) -> list[OpenCondition]:
        """The alerts that stay open although their rule has cleared them."""
        return [
            OpenCondition(kept.rule, kept.subject, kept.code, kept.onset)
            for kept in self._kept.values()
        ]

    def onset_of(self, condition: OpenCondition) -> int:
        """The onset of the reported alert that the rule now holds open as `condition`."""
        key = (condition.rule, condition.subject, condition.code or "")
        return self._onset.get(key, condition.onset)

    def forget(self, device: str) -> None:
        """Drop the state of a device."""
        for part in (self._raised, self._kept, self._onset):
            for key in [key for key in part if key[1] == device]:
                del part[key]

    def snapshot(self) -> dict[str, np.ndarray]:
        """The whole state as texts."""
        state = {
            "raised": [[*key, times] for key, times in self._raised.items()],
            "held": [_saved(kept) for kept in self._kept.values()],
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
        kept_clears = [
            Transition(**{name: fields_of[name] for name in _SAVED}) for fields_of in rows["held"]
        ]
        self._kept |= {_key(kept): kept for kept in kept_clears}
        self._onset |= {(rule, device, code): onset for rule, device, code, onset in rows["onset"]}


def _saved(transition: Transition) -> dict[str, Any]:
    return {name: getattr(transition, name) for name in _SAVED}


def _key(transition: Transition) -> _Key:
    return transition.rule, transition.subject, transition.code or ""
