"""The record of a live simulation: reads, faults, silences and events in the truth file."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from simulators.live.settings import LineSettings, SimulationSettings
from simulators.live.truth import TruthLog
from simulators.registers.image import Image
from simulators.scenario.events import WIDE, Effects, Event
from simulators.scoring.truths import Truth


class SimulationRecord:
    """Writes to `log`, or nowhere if that is None; `clock` gives UTC milliseconds."""

    def __init__(
        self, log: TruthLog | None, devices: Sequence[str], clock: Callable[[], int]
    ) -> None:
        self._log, self._devices, self._clock = log, devices, clock

    def started(
        self,
        settings: SimulationSettings,
        scenario: str,
        units: Iterable[tuple[str, int, LineSettings]],
    ) -> None:
        """Record the start, and each of `units`: device id, address and line."""
        start = {"type": "start", "at": self._clock(), "seed": settings.seed, "scenario": scenario}
        self._write(start | {"speed": settings.speed})
        for device, address, line in units:
            unit = {"type": "device", "device": device, "profile": line.profile}
            self._write(unit | {"address": address})

    def read_by_master(self, device: str, image: Image, doubtful: bool) -> None:
        """Record the contents that a master read from `device`."""
        document: dict[str, object] = {"type": "read", "device": device, "at": self._clock()}
        document |= {"state": image.state, "faults": list(image.faults)}
        document |= {"values": dict(image.values)}
        if doubtful:
            document["doubtful"] = True
        if not image.state_shown:
            document["state_told"] = False
        self._write(document)

    def changed(self, before: Effects, after: Effects) -> None:
        """Record the faults and silences that began or ended between two moments."""
        at = self._clock()
        for index, device in enumerate(self._devices):
            for code, edge in _edges(before.faults.get(index, ()), after.faults.get(index, ())):
                fault = {"type": "fault", "device": device, "code": code}
                self._write(fault | {"edge": edge, "at": at})
            if (index in before.silent) != (index in after.silent):
                edge = "begin" if index in after.silent else "end"
                self._write({"type": "silent", "device": device, "edge": edge, "at": at})

    def pulled(self, device: str | None) -> None:
        """Record that the adapter was pulled out at a request to `device`, None for a stranger."""
        if device is not None:
            self._write({"type": "pulled", "device": device, "at": self._clock()})

    def began(self, event: Event) -> None:
        """Record an event as a truth for each of its units.

        Lines have no villages: an event at a gateway or a village is a power cut at each unit.
        """
        kind = "power_cut" if event.cause in WIDE else event.kind
        at = self._clock()
        end = None if event.end is None else at + event.end - event.begin
        detail = {"strength": event.strength, "of": event.detail}
        for unit in event.units:
            truth = Truth(kind, "device", self._devices[unit], at, end, detail=detail)
            self._write(truth.to_document())

    def stopped(self) -> None:
        """Record the end of the simulation."""
        self._write({"type": "stop", "at": self._clock()})

    def close(self) -> None:
        """Close the truth file."""
        if self._log is not None:
            self._log.close()

    def _write(self, document: Mapping[str, object]) -> None:
        if self._log is not None:
            self._log.append(document)


def _edges(before: Iterable[str], after: Iterable[str]) -> list[tuple[str, str]]:
    begun, ended = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    return [(code, "begin") for code in begun] + [(code, "end") for code in ended]
