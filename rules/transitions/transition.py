"""What the rules say: an alert begins, changes or ends, and why."""

from dataclasses import dataclass
from typing import Literal

from wire.messages import Priority
from wire.topics import GatewayPath

SubjectKind = Literal["device", "gateway", "village", "district"]
EdgeKind = Literal["raise", "update", "clear"]


def realm_of(kind: SubjectKind, place: GatewayPath) -> str:
    """Within what the id of a subject at `place` is unique: a gateway's in its village, a village's
    in its town.

    '' for a device and a district: the whole district (contract §1).
    """
    if kind in ("device", "district"):
        return ""
    town = f"{place.district}/{place.town}"
    return town if kind == "village" else f"{town}/{place.village}"


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of one alert episode; the episode is named by (`rule`, `subject`, `realm`, `code`,
    `onset`).

    `onset` is when the condition began and `at` when it was decided, both UTC ms: event time for
    rules over readings, server time for presence. `value` and `limit` are in `unit`. `reason` is
    the stable name of why. `children` counts devices hidden under a gateway or village. `text`
    holds a sentence per language. `gateway_path` says where a gateway, village or district stands, None for
    a device.
    """

    rule: str
    subject: str
    subject_kind: SubjectKind
    edge: EdgeKind
    code: str | None
    onset: int
    at: int
    value: float | None
    limit: float | None
    unit: str | None
    priority: Priority
    reason: str
    text: dict[str, str]
    children: int = 0
    gateway_path: GatewayPath | None = None

    @property
    def realm(self) -> str:
        """Within what `subject` is unique (`realm_of`)."""
        return "" if self.gateway_path is None else realm_of(self.subject_kind, self.gateway_path)


@dataclass(frozen=True, slots=True)
class OpenCondition:
    """An alert that is open: what raised it, about whom (`realm` as in Transition), and since when
    (UTC ms)."""

    rule: str
    subject: str
    code: str | None
    onset: int
    realm: str = ""
