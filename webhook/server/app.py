"""The application: webhooks in front, probes and metrics behind, and every background task in its lifespan."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from webhook.admission.world import RULE_SETS, World
from webhook.findings import Finding
from webhook.kinds import places
from webhook.policy import Policies, shipped
from webhook.server import logs
from webhook.server.front import Front
from webhook.server.health import Health
from webhook.server.hooks import HOOKS, Hook
from webhook.server.metrics import Metrics
from webhook.server.settings import Settings, read_site

if TYPE_CHECKING:
    from certs.serve import Reloader

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


def create_app(
    settings: Settings, reloader: Reloader | None = None, tend: Callable[[], object] | None = None
) -> FastAPI:
    """The service with these settings; raises Refused where the policies cannot be loaded.

    `reloader` serves the certificates and is kept up to date in the lifespan; `tend` renews self-managed ones.
    """
    world = World(
        policies=Policies(settings.policies or shipped(), places(), settings.default_level),
        site=read_site(settings.site),
    )
    metrics, health = Metrics(), Health(world, reloader)
    metrics.build.info({"version": version("vmconfig"), "rule_sets": ",".join(RULE_SETS)})
    _loaded(metrics, world.policies)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_watch_policies(world.policies, metrics))]
        if reloader is not None:
            from certs.serve import watch

            tasks.append(asyncio.create_task(watch(reloader, tend)))
        logs.event("started", version=version("vmconfig"), policy=world.policies.digest[:12], listen=settings.listen)
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        logs.event("stopped")

    app = FastAPI(title="vmconfig", version=version("vmconfig"), lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.health, app.state.world, app.state.metrics = health, world, metrics
    _probes(app, health, metrics)
    hooks = {f"/{name}": Hook(name, world, metrics) for name in HOOKS}
    app.add_middleware(Front, hooks=hooks, body_limit=settings.body_limit, deadline=settings.deadline)
    return app


def _probes(app: FastAPI, health: Health, metrics: Metrics) -> None:
    @app.get("/livez")
    async def livez() -> Response:
        return PlainTextResponse("ok")

    @app.get("/readyz")
    async def readyz() -> Response:
        details = health.details()
        return JSONResponse(details, 200 if details["ready"] else 503)

    @app.get("/version")
    async def what() -> Response:
        return JSONResponse(health.version())

    @app.get("/metrics")
    async def exposition() -> Response:
        if health.reloader is not None:
            metrics.expiry.set(health.reloader.expires_at.replace(tzinfo=UTC).timestamp())
        return Response(metrics.text(), media_type=_EXPOSITION)


async def _watch_policies(policies: Policies, metrics: Metrics) -> None:
    def good(_: Policies) -> None:
        _loaded(metrics, policies)
        logs.event("policies loaded", digest=policies.digest[:12])

    def bad(findings: list[Finding]) -> None:
        metrics.policies.set(0)
        logs.event("policies refused, the last good ones stay", findings=[finding.as_dict() for finding in findings])

    await policies.watch(good, bad)


def _loaded(metrics: Metrics, policies: Policies) -> None:
    metrics.policies.set(1)
    metrics.policy.info({"digest": policies.digest})
    metrics.loaded_at.set(datetime.now(UTC).timestamp())
