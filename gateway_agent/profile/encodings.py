"""How the bits of registers stand for a number. Pure."""

from collections.abc import Callable, Mapping
from math import isfinite
from struct import pack, unpack
from types import MappingProxyType
from typing import Final, Literal

Encoding = Literal["binary", "sign_magnitude", "bcd", "float32"]
"""`sign_magnitude`: the highest bit is the sign. `bcd`: four bits a decimal digit."""

SIGNED: Final[tuple[Encoding, ...]] = ("sign_magnitude", "float32")
"""The encodings that hold a sign by themselves."""

# The decimal digits that a 32-bit float keeps; more would be digits that the unit never sent.
_FLOAT_DIGITS: Final = 7


def as_signed(raw: int, width: int) -> int:
    """`raw`, a two's complement number of `width` bits, as a number with sign."""
    return raw - (1 << width) if raw >> (width - 1) & 1 else raw


def number_of(raw: int, width: int, encoding: Encoding) -> float | None:
    """The number that the `width` bits `raw` stand for; None if they stand for none."""
    return _READERS[encoding](raw, width)


def _sign_magnitude(raw: int, width: int) -> int:
    sign = 1 << width - 1
    return -(raw - sign) if raw & sign else raw


def _bcd(raw: int, _: int) -> int | None:
    digits = f"{raw:x}"
    return int(digits) if digits.isdecimal() else None


def _float32(raw: int, _: int) -> float | None:
    (number,) = unpack(">f", pack(">I", raw))
    return float(f"{number:.{_FLOAT_DIGITS}g}") if isfinite(number) else None


_READERS: Final[Mapping[Encoding, Callable[[int, int], float | None]]] = MappingProxyType(
    {
        "binary": lambda raw, _: raw,
        "sign_magnitude": _sign_magnitude,
        "bcd": _bcd,
        "float32": _float32,
    }
)
