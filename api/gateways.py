"""Village boxes, and the decisions on who owns a device (contract §17)."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.callers import KnownCaller
from api.context import ApiContext, Context
from desk.accounts.accounts import Caller
from desk.audit.trail import acting
from desk.database.engine import reading
from desk.ledger.boxes import assign_device, box_acts, box_document, list_boxes, retire_box

router = APIRouter()

Reason = Annotated[str, Field(min_length=1, max_length=500)]


class BoxOrder(BaseModel):
    """The body of a decision on a box: why."""

    model_config = ConfigDict(extra="forbid")

    why: Reason


class AssignmentOrder(BoxOrder):
    """The body of a decision on a device: its gateway (path or unique id; null takes it back)."""

    gateway: Annotated[str, Field(max_length=200)] | None


@router.get("/gateways")
def gateways(context: Context, caller: KnownCaller) -> dict[str, Any]:
    """The boxes of the caller's places; all on one page, a district has some thousands."""
    with reading(context.database) as session:
        return {"items": list_boxes(session, caller.scope), "next": None}


@router.get("/gateways/{gateway:path}")
def gateway(gateway: str, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """One box (path or unique id) with the decisions taken on it, the newest first."""
    with reading(context.database) as session:
        document = box_document(session, caller.scope, gateway)
        return {**document, "decisions": box_acts(session, document["gateway"])}


@router.post("/gateways/{gateway:path}/retire")
def retire(gateway: str, wanted: BoxOrder, context: Context, caller: KnownCaller) -> dict[str, Any]:
    """End a box: it owns nothing, its devices are free, and what it sends from now on is held."""
    return _decide(gateway, wanted, context, caller, retired=True)


@router.post("/gateways/{gateway:path}/reinstate")
def reinstate(
    gateway: str, wanted: BoxOrder, context: Context, caller: KnownCaller
) -> dict[str, Any]:
    """Take a retired box back; what was held of it goes to the store where it owns the device."""
    return _decide(gateway, wanted, context, caller, retired=False)


@router.post("/devices/{device}/gateway")
def assign(
    device: str, wanted: AssignmentOrder, context: Context, caller: KnownCaller
) -> dict[str, Any]:
    """Decide to which box a device belongs, whoever announces it."""
    now = context.clock()
    with acting(context.database, caller.actor, "box.assign", now) as session:
        target = (device, wanted.gateway)
        listed = context.listed().get(device)
        after = assign_device(session, caller.scope, target, listed, wanted.why, caller.name, now)
    return {"device": device, "gateway": after}


def _decide(
    gateway: str, wanted: BoxOrder, context: ApiContext, caller: Caller, *, retired: bool
) -> dict[str, Any]:
    now = context.clock()
    what = "box.retire" if retired else "box.reinstate"
    with acting(context.database, caller.actor, what, now) as session:
        retire_box(session, caller.scope, gateway, wanted.why, caller.name, now, retired=retired)
        return box_document(session, caller.scope, gateway)
