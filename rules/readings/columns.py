"""Arrays by device slot that grow together: the state of a rule over the whole fleet."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NEVER: Final = -1
"""No time yet, in columns of times; event times are never negative."""

FIRST_MS: Final = 1_577_836_800_000
"""2020-01-01, the first accepted event time (contract §11); seconds since then fit into 32 bits."""


def column(
    kind: type[np.generic], fill: float | bool, width: int | None = None, *, wide: bool = False
) -> Any:
    """A field of `Columns`: one value per slot, `fill` where nothing is known.

    With `width` a slot has that many values, and `wide` leaves the number to `Columns.of_width`.
    """

    def empty() -> NDArray[Any]:
        return np.zeros((0,) if width is None else (0, width), kind)

    return field(default_factory=empty, metadata={"fill": fill, "kind": kind, "wide": wide})


@dataclass
class Columns:
    """A struct of arrays; the first axis of every field is the slot."""

    @classmethod
    def of_width(cls, width: int) -> Self:
        """Columns without slots, whose wide fields have `width` values per slot."""
        wide = {spec.name: spec.metadata["kind"] for spec in fields(cls) if spec.metadata["wide"]}
        return cls(**{name: np.zeros((0, width), kind) for name, kind in wide.items()})

    def resize(self, capacity: int) -> None:
        """Give every array `capacity` rows and keep those there are."""
        for spec in fields(self):
            old = getattr(self, spec.name)
            new = np.full((capacity, *old.shape[1:]), spec.metadata["fill"], old.dtype)
            new[: len(old)] = old
            setattr(self, spec.name, new)

    def snapshot(self, count: int) -> dict[str, np.ndarray]:
        """Copies of the first `count` rows, by field name."""
        return {spec.name: getattr(self, spec.name)[:count].copy() for spec in fields(self)}

    def forget(self, slots: Ints) -> None:
        """Put these slots back to their fill values."""
        for spec in fields(self):
            getattr(self, spec.name)[slots] = spec.metadata["fill"]

    def fits(self, saved: Mapping[str, np.ndarray]) -> bool:
        """Whether `saved` is a snapshot of columns of the same names, types and widths."""
        return all(
            spec.name in saved
            and saved[spec.name].dtype == getattr(self, spec.name).dtype
            and saved[spec.name].shape[1:] == getattr(self, spec.name).shape[1:]
            for spec in fields(self)
        )

    def restore(self, saved: Mapping[str, np.ndarray], slots: Ints) -> None:
        """Put row i of every saved array at `slots[i]`; ignore a snapshot that does not fit."""
        if self.fits(saved):
            for spec in fields(self):
                getattr(self, spec.name)[slots] = saved[spec.name]
