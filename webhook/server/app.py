"""The application: webhooks, probes, metrics, and every background task in its lifespan."""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from webhook.admission.apis import apis as declared_apis
from webhook.admission.context import OFF, AdmissionContext, KubeVirtSettings
from webhook.admission.duplicates import Duplicates, parse
from webhook.admission.policy_process import Checks
from webhook.cluster.access import AccessReviews
from webhook.cluster.events import Events
from webhook.cluster.kubevirt import KubeVirtObjects
from webhook.cluster.machines import Machines
from webhook.cluster.namespaces import Namespaces
from webhook.kinds import KINDS, SNAPSHOT
from webhook.policy import Policies, shipped
from webhook.policy.loading.exceptions import ending
from webhook.rule_sets import RULE_SETS
from webhook.server import logs
from webhook.server.background import BackgroundParts, background
from webhook.server.health import Health
from webhook.server.hook_router import HookRouter
from webhook.server.hooks import HOOKS, Hook
from webhook.server.metrics import Metrics
from webhook.server.settings import Settings, read_container, read_site
from webhook.server.supervision import Supervision

if TYPE_CHECKING:
    from certs.cluster import Apis
    from certs.serve import Reloader

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


def create_app(
    settings: Settings,
    reloader: Reloader | None = None,
    renew: Callable[[], object] | None = None,
    apis: Apis | None = None,
    supervision: Supervision | None = None,
) -> FastAPI:
    """The service with these settings; raises Refused where the policies cannot be loaded.

    `reloader` serves the certificates and is kept up to date in the lifespan; `renew` renews self-managed ones. `apis`
    is the cluster, for the settings that need one. `supervision` runs the background tasks.
    """
    read = declared_apis(with_kubevirt=settings.kubevirt != OFF)
    context = AdmissionContext(
        checks=Checks(),
        policies=Policies(settings.policies or shipped(), read, settings.default_level),
        site=read_site(settings.site),
        kubevirt=KubeVirtSettings(
            settings.kubevirt,
            settings.kubevirt_namespace,
            hardware=settings.kubevirt_hardware == "noted",
            container=read_container(settings.kubevirt_hook),
        ),
    )
    namespaces, events = _cluster(settings, apis)
    if namespaces is not None:
        context.labels = namespaces.labels
    machines = _machines(settings, apis)
    if machines and settings.sources == "watch":
        context.sources = machines
    if apis is not None and settings.access_reviews == "on":
        context.access = AccessReviews(apis.core.api_client)
    if machines and settings.duplicates:
        context.duplicates = Duplicates(parse(settings.duplicates), machines)
    supervision = supervision or Supervision(logs.event)
    metrics, health = Metrics(), Health(context, reloader, namespaces, supervision, tuple(machines.values()))
    metrics.build.info({"version": version("vmconfig"), "rule_sets": ",".join(RULE_SETS)})

    watches = [each.watch for each in machines.values()]
    if namespaces is not None:
        watches.append(namespaces.watch)
    if apis is not None and settings.kubevirt_objects == "watch":
        objects = KubeVirtObjects(apis.core.api_client, logs.event)
        context.kubevirt_site = objects.site
        watches += objects.watches
    parts = BackgroundParts(context.policies, metrics, events, watches, reloader, renew)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with background(supervision, parts):
            digest = context.policies.digest[:12]
            logs.event("started", version=version("vmconfig"), policy=digest, listen=settings.listen)
            yield
        logs.event("stopped")

    app = FastAPI(title="vmconfig", version=version("vmconfig"), lifespan=lifespan, openapi_url=None)
    app.state.health, app.state.context, app.state.metrics = health, context, metrics
    _probes(app, health, metrics)
    hooks = {f"/{name}": Hook(name, context, metrics) for name in HOOKS}
    app.add_middleware(
        HookRouter,
        hooks=hooks,
        body_limit=settings.body_limit,
        deadline=settings.deadline,
        certified_only=settings.client_ca is not None,
    )
    return app


def _cluster(settings: Settings, apis: Apis | None) -> tuple[Namespaces | None, Events | None]:
    """The parts that read the cluster and write to it, as the settings say."""
    if apis is None:
        return None, None
    watched = settings.namespaces == "watch"
    namespace, _, name = settings.policies_configmap.partition("/")
    return (
        Namespaces(apis.core, logs.event) if watched else None,
        Events(apis.core, namespace, name, logs.event) if name else None,
    )


def _machines(settings: Settings, apis: Apis | None) -> dict[str, Machines]:
    """The stored objects of each kind, as far as the settings need them."""
    if apis is None or (settings.sources == "none" and not settings.duplicates):
        return {}
    from kubernetes.client import CustomObjectsApi

    objects = CustomObjectsApi(apis.core.api_client)
    kept = {"specs": settings.sources == "watch", "identities": bool(settings.duplicates)}
    return {kind.name: Machines(kind, objects, logs.event, **kept) for kind in (*KINDS.values(), SNAPSHOT)}


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
        _update_metrics(health, metrics)
        return Response(metrics.text(), media_type=_EXPOSITION)


def _update_metrics(health: Health, metrics: Metrics) -> None:
    """Set the metrics that are computed at each scrape."""
    engine, namespaces = health.context.policies.engine, health.namespaces
    metrics.exceptions(ending(health.context.policies.all, engine.today()))
    metrics.kept(logs.dropped(), health.supervision.restarts)
    if health.reloader is not None:
        now, expires = datetime.now(UTC), health.reloader.expires_at
        metrics.expiry.set(0 if expires is None else expires.timestamp())
        metrics.certificate_problem.set(bool(health.reloader.problem or health.reloader.unusable(now)))
    if namespaces is not None:
        age = namespaces.watch.age
        metrics.namespaces.set(len(namespaces))
        metrics.namespaces_age.set(math.inf if age is None else age)
    for machines in health.machines:
        metrics.stored(machines.kind.name, len(machines), len(machines.index), machines.bytes)
