"""A transition: an alert begins, changes or ends, and why."""

from dataclasses import dataclass
from typing import Literal

from wire.messages import Priority
from wire.topics import GatewayPath

SubjectKind = Literal["device", "gateway", "village", "district"]
EdgeKind = Literal["raise", "update", "clear"]


def realm_of(kind: SubjectKind, gateway_path: GatewayPath) -> str:
    """The path within which a subject's id is unique: a gateway's village, a village's town.

    '' for a device and a district: the whole district (contract §1).
    """
    if kind in ("device", "district"):
        return ""
    town = f"{gateway_path.district}/{gateway_path.town}"
    return town if kind == "village" else f"{town}/{gateway_path.village}"


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of an alert, which (`rule`, `subject`, `realm`, `code`, `onset`) identify.

    `onset` is when the condition began and `at` when the change was decided, both UTC ms: event
    time for rules over readings, server time for presence. `value` and `limit` are in `unit`.
    `reason` is the stable name of why. `children` counts the devices hidden under a gateway or
    village. `text` holds a sentence per language. `gateway_path` is that of a gateway, village or
    district, None for a device.
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
        """The path within which `subject` is unique (`realm_of`)."""
        return "" if self.gateway_path is None else realm_of(self.subject_kind, self.gateway_path)


@dataclass(frozen=True, slots=True)
class OpenCondition:
    """An alert that a rule holds open; fields as in Transition, `onset` in UTC ms."""

    rule: str
    subject: str
    code: str | None
    onset: int
    realm: str = ""
