"""Health, readiness and metrics for those who run the server; no login (contract §7)."""

import os
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from api.context import Context

router = APIRouter()


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    responses={
        HTTPStatus.SERVICE_UNAVAILABLE: {
            "description": "Something is missing",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
def readyz(context: Context, response: Response) -> dict[str, Any]:
    """200 when nothing is missing, else 503 with a sentence for each missing part."""
    missing = context.readiness()
    if missing:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return {"ready": not missing, "missing": missing}


@router.get(
    "/metrics",
    response_class=Response,
    responses={HTTPStatus.OK: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics() -> Response:
    """Prometheus metrics; with PROMETHEUS_MULTIPROC_DIR set, those of all processes."""
    return Response(generate_latest(_registry()), media_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    return registry
