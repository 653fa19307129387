"""Serves ``/healthz``, ``/readyz`` and ``/metrics``, for monitoring and not for browsers."""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.http.routes.progress import NO_STORE
from tusd_py.monitoring.checks import Checks, health
from tusd_py.monitoring.probes import run_detached
from tusd_py.monitoring.registry import CONTENT_TYPE, Metrics

HEALTH: Final = "/healthz"
PATHS: Final = frozenset({HEALTH, "/readyz", "/metrics"})


def routes(
    checks: Checks, metrics: Metrics, worker_alive: Callable[[], bool] | None, *, elsewhere: bool
) -> list[BaseRoute]:
    """Return the three routes; readiness and metrics are read in new threads, outside the pool.

    So a dependency that does not answer blocks no thread of the pool.

    Args: elsewhere: whether readiness and metrics have their own address
        (``monitoring.health_server``); then only ``/healthz`` is here.
    """

    async def healthz(_request: Request) -> Response:
        status, members = health(worker_alive)
        return JSONResponse(members, status, headers=NO_STORE)

    async def readyz(_request: Request) -> Response:
        found = await asyncio.wrap_future(run_detached(checks.readiness))
        return JSONResponse(found.members(), found.http_status, headers=NO_STORE)

    async def metrics_text(_request: Request) -> Response:
        text = await asyncio.wrap_future(run_detached(metrics.text))
        return Response(text, headers={**NO_STORE, "Content-Type": CONTENT_TYPE})

    if elsewhere:
        return [Route(HEALTH, healthz)]
    return [Route(HEALTH, healthz), Route("/readyz", readyz), Route("/metrics", metrics_text)]
