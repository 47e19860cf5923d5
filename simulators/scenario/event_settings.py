"""Settings of a scenario file for events: at given times, or by chance."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from configuration.fields import Duration, Settings
from simulators.scenario.events import POINTED, STRENGTHS, Cause, Event
from wire.points import FAULT_KINDS, POINTS

UnitNumber = Annotated[int, Field(ge=1)]
MOST_SPREAD: Final = 10.0


class EventSettings(Settings):
    """One event. `unit` is its number from 1, or `count` the first so many units.

    `at` and `lasts` are wall time. The event is a `fault` that the unit shows, or a `cause` of
    simulators/scenario/events.py with its `strength` and, for a sensor, its `point`. `sensor_open`,
    `window_open`, `silent` and `frozen` abbreviate four of these causes. A cause that affects a
    gateway or a village affects the one of the unit.
    """

    at: Duration
    lasts: Duration | None = None
    unit: UnitNumber | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    fault: str | None = None
    cause: Cause | None = None
    strength: float | None = None
    point: str | None = None
    sensor_open: str | None = None
    window_open: Annotated[float, Field(gt=0.0, le=20_000.0)] | None = None
    silent: bool = False
    frozen: bool = False

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        named = (
            self.fault,
            self.cause,
            self.sensor_open,
            self.window_open,
            self.silent or None,
            self.frozen or None,
        )
        if sum(name is not None for name in named) != 1:
            raise ValueError(
                "name exactly one of fault, cause, sensor_open, window_open, silent, frozen"
            )
        if (self.unit is None) == (self.count is None):
            raise ValueError("name either unit or count")
        _check_fault(self.fault)
        _check_point(self.sensor_open)
        if self.cause is not None:
            _check_cause(self.cause, self.point is not None)
        _check_point(self.point)
        return self

    def event(self, units: int) -> Event:
        """The event among `units` units; a number beyond them counts from the first again."""
        return self.event_of(self._units(units))

    def event_of(self, units: tuple[int, ...]) -> Event:
        """The event at the units with these indices."""
        cause = self._cause()
        strength = self.strength if self.strength is not None else self.window_open
        return Event(
            cause=cause,
            units=units,
            begin=self.at,
            end=None if self.lasts is None else self.at + self.lasts,
            detail=self.fault or self.point or self.sensor_open or "",
            strength=STRENGTHS.get(cause, 0.0) if strength is None else strength,
        )

    def _units(self, units: int) -> tuple[int, ...]:
        if self.unit is not None:
            return ((self.unit - 1) % units,)
        return tuple(range(min(self.count or 0, units)))

    def _cause(self) -> Cause:
        if self.cause is not None:
            return self.cause
        if self.fault is not None:
            return "fault"
        if self.sensor_open is not None:
            return "sensor_open"
        if self.window_open is not None:
            return "window_open"
        return "communication_loss" if self.silent else "frozen_values"


class RandomSettings(Settings):
    """Random events: a `fault` kind, or a `cause`, with its rate per 1,000 unit-days.

    `lasts` is the median of the duration, `spread` its geometric standard deviation (1: always the
    same). No event begins before `after`. The point of a sensor is one of `points`; the strength is
    uniform between the two of `strength`.
    """

    fault: str | None = None
    cause: Cause | None = None
    per_1000_unit_days: Annotated[float, Field(gt=0.0, le=1_000.0)]
    lasts: Annotated[Duration, Field(gt=0)]
    spread: Annotated[float, Field(ge=1.0, le=MOST_SPREAD)] = 1.0
    after: Duration = 0
    points: tuple[str, ...] = ()
    strength: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _one_cause(self) -> Self:
        if (self.fault is None) == (self.cause is None):
            raise ValueError("name either fault or cause")
        _check_fault(self.fault)
        if self.cause is not None:
            _check_cause(self.cause, bool(self.points))
        for point in self.points:
            _check_point(point)
        return self

    @property
    def kind(self) -> str:
        """The class that the events are counted under."""
        return self.fault or self.cause or ""

    def strengths(self) -> tuple[float, float]:
        """The limits of the strength."""
        usual = STRENGTHS.get(self.cause or "fault", 0.0)
        return self.strength or (usual, usual)


def _check_fault(fault: str | None) -> None:
    if fault is not None and fault.partition(":")[0] not in FAULT_KINDS:
        raise ValueError(
            f"{fault!r} is not a fault; write kind or kind:vendor_code, like high_pressure:P1"
        )


def _check_point(point: str | None) -> None:
    if point is not None and point not in POINTS:
        raise ValueError(f"{point!r} is not a point")


def _check_cause(cause: Cause, pointed: bool) -> None:
    if cause == "fault":
        raise ValueError("write fault = with its kind instead of cause")
    if pointed != (cause in POINTED):
        needs = "needs the point of its sensor" if cause in POINTED else "takes no point"
        raise ValueError(f"{cause} {needs}")
