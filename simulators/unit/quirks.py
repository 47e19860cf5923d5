"""The quirks of real buses and units (docs/domain/bus-quirks.md), switched on by name. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Measure = Literal["", "share", "s", "min", "registers", "clients", "times"]

Quirks = Mapping[str, float]
"""The active quirks, each with its number in the measure of its catalogue entry."""


@dataclass(frozen=True, slots=True)
class Quirk:
    """One switch of `simulate bus --quirks`.

    `number` is the default, in `measure`: a share is one of 1, "" takes no number.
    """

    name: str
    number: float
    measure: Measure
    help: str

    def checked(self, number: float) -> float:
        """`number`; raises ValueError if this quirk does not allow it."""
        if not self.measure:
            raise ValueError(f"quirk {self.name!r} takes no number")
        if self.measure == "share" and not 0.0 <= number <= 1.0:
            raise ValueError(
                f"quirk {self.name!r} takes a share from 0 to 1,"
                f" such as {self.name}:{self.number:g}"
            )
        if self.measure in ("registers", "clients") and (number < 1 or number != int(number)):
            raise ValueError(
                f"quirk {self.name!r} takes a whole number of {self.measure} from 1 on"
            )
        if not 0.0 <= number < 1e6:
            raise ValueError(f"quirk {self.name!r} takes a number from 0 on")
        return number


# Each with its row of docs/domain/bus-quirks.md; numbers without a row are engineering assumptions.
# Rows 11, 13, 16 and 25 belong to a brand and are always on; no shipped brand has row 17.
_QUIRKS: Final = (
    # The line: damage to replies.
    Quirk(
        "late",
        0.05,
        "share",
        "replies that come 2.5 s after the request, beyond any sensible time-out",
    ),
    Quirk("short", 0.05, "share", "replies of which only the first half comes"),
    Quirk("crc", 0.05, "share", "replies with a damaged checksum"),
    Quirk("noise", 0.05, "share", "replies behind a stray byte and 0.3 s"),
    Quirk(
        "lost", 0.05, "share", "replies that never come; a poor serial server loses 0.0006"
    ),  # row 8
    Quirk("wrong_device", 0.05, "share", "replies that say they come from the next address"),
    Quirk("wrong_function", 0.05, "share", "replies that carry another function code"),
    Quirk(
        "echo",
        0.05,
        "share",
        "replies 0.3 s behind the request itself, as an adapter with local echo receives them",
    ),
    Quirk(
        "second_master",
        0.05,
        "share",
        "replies disturbed by the traffic of another master, or by a collision with it",
    ),  # row 7
    Quirk("mixed_streams", 0.05, "share", "replies preceded by the previous reply"),  # row 8
    Quirk("unplug", 0.002, "share", "requests at which the adapter is pulled out, for 5 s"),
    # The line: time and clients.
    Quirk("slow", 0.5, "s", "time that units need before they answer"),  # row 5
    Quirk(
        "gap", 0.1, "s", "silence that a unit needs before a request; it misses earlier requests"
    ),  # row 5
    Quirk(
        "clients", 1, "clients", "TCP connections accepted at a time; more are closed at once"
    ),  # row 8
    Quirk(
        "converter", 1, "", "a converter answers exception 11 for units that do not answer"
    ),  # row 26
    Quirk(
        "idle_close", 4, "s", "silence after which a converter closes a TCP connection"
    ),  # row 29
    # The units: silence and refusals.
    Quirk("asleep", 10, "s", "silence after which the next request only wakes a unit"),  # row 27
    Quirk(
        "refusals", 0.14, "share", "reads refused with exception 2 though the registers exist"
    ),  # row 28
    Quirk("dead", 0.1, "share", "units that never answer"),
    Quirk("frozen", 0.1, "share", "units that answer but whose registers never move"),  # row 18
    Quirk(
        "silence",
        1,
        "",
        "units do not answer refused requests, even if the brand sends an exception",
    ),  # row 1
    Quirk(
        "exception_2",
        1,
        "",
        "units answer refused requests with an exception, even if the brand is silent",
    ),  # row 2
    Quirk(
        "bulk_config", 1, "", "settings can be read one at a time only (always so at Midea 200-290)"
    ),  # row 3
    Quirk(
        "max_registers",
        30,
        "registers",
        "longer reads are refused, unless the brand refuses shorter ones already",
    ),  # row 4
    Quirk("only_fc16", 1, "", "FC 6 is refused"),  # row 15
    Quirk("no_fc16", 1, "", "FC 16 is refused"),  # row 15
    # The contents of registers.
    Quirk(
        "unfitted", 1, "", "units without room and tank sensor: 25, 0, 0xFFFF or a bit, by brand"
    ),  # row 9
    Quirk("ambient_minus_one", 1, "", "an open ambient sensor reads -1.0 °C, 0xFFF6"),  # row 9
    Quirk(
        "whole_degrees",
        1,
        "",
        "temperatures in steps of 1 °C: Midea by its flag, Gree without saying so",
    ),  # row 10
    Quirk("swapped_words", 1, "", "32-bit values with the low word first"),  # row 12
    Quirk("spikes", 0.02, "share", "readings in which one temperature jumps by 40 K"),  # row 19
    Quirk(
        "defrost_nonsense", 1, "", "while defrosting, heat and COP registers hold nonsense"
    ),  # row 20
    Quirk(
        "whole_kwh", 1, "", "Midea of an R32 sub-model: counters in kWh instead of hundredths"
    ),  # row 21
    Quirk(
        "counter_rollover", 1, "", "energy counters begin 1 kWh below their end and roll over"
    ),  # row 21
    Quirk(
        "counter_reset", 10, "min", "energy counters fall to 0 this long after the start"
    ),  # row 21
    Quirk("defrost_unflagged", 1, "", "no register shows a defrost (always so at Chofu)"),  # row 22
    Quirk(
        "power_over", 1.3, "times", "the power register reads this many times too much"
    ),  # row 23
    # The panel on the wall.
    Quirk(
        "weather_curve",
        1,
        "",
        "the weather curve is on: set-points are accepted and have no effect",
    ),  # row 14
    Quirk(
        "revert", 2, "min", "the panel restores its own settings this long after a write"
    ),  # row 24
)

CATALOGUE: Final[Mapping[str, Quirk]] = MappingProxyType({quirk.name: quirk for quirk in _QUIRKS})
"""Every quirk by name."""

OF_TCP: Final = frozenset(("clients", "idle_close"))
"""The quirks of a TCP connection; a serial line has none of them."""


def parse_quirks(texts: Iterable[str]) -> dict[str, float]:
    """The quirks of texts `name` or `name:number`; raises ValueError with the reason."""
    switched: dict[str, float] = {}
    for text in texts:
        name, _, number = text.strip().partition(":")
        quirk = CATALOGUE.get(name)
        if quirk is None:
            raise ValueError(
                f"no quirk is called {name!r}; `simulate bus --quirks list` lists all quirks"
            )
        switched[name] = quirk.checked(_number(text, number)) if number else quirk.number
    return switched


def _number(text: str, number: str) -> float:
    try:
        return float(number)
    except ValueError:
        raise ValueError(f"{text!r}: what follows the colon is a number") from None
