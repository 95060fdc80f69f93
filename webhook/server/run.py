"""The process: uvicorn over TLS with certificates that change while it runs, and a shutdown that loses no request."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import uvicorn

from certs.authority import parse_names
from certs.cluster import Apis, Registrations, Secret, connect
from certs.ensure import ensure
from certs.serve import Reloader
from certs.store import Folder
from webhook.cluster.api import asking
from webhook.server import logs
from webhook.server.app import create_app
from webhook.server.health import Health
from webhook.server.settings import Settings
from webhook.server.supervision import Supervision

# The API server keeps idle connections for 90 s and more (client-go's transport): ours must not close them first.
KEEP_ALIVE = 180
# How long requests in flight may take once no new ones are accepted, in seconds.
GRACE = 10


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. Raises what certificates and policies cannot be loaded for."""
    supervision = Supervision(logs.event)
    with logs.queued(supervision):
        return _serve(settings, supervision)


def _serve(settings: Settings, supervision: Supervision) -> int:
    apis = cluster(settings)
    reloader, tend = certificates(settings, apis)
    app = create_app(settings, reloader, tend, apis, supervision)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        ssl_context_factory=lambda *_: reloader.context,
    )
    server = Draining(config, app.state.health, settings.drain_seconds)
    server.run()
    return 0 if server.started else 1


def cluster(settings: Settings) -> Apis | None:
    """The cluster, where a setting needs one: this pod's, or else that of the user's kubeconfig; raises Unanswered."""
    if settings.namespaces == "none" and not settings.policies_configmap and not settings.certs_secret:
        return None
    with asking("the cluster"):
        return connect()


def certificates(settings: Settings, apis: Apis | None) -> tuple[Reloader, Callable[[], object] | None]:
    """Where the certificate comes from, and how it is renewed where that is ours to do.

    A folder has to hold one now. A Secret is in a cluster that may be away: its certificate may come later.
    """
    if settings.certs_dir is not None:
        return Reloader(Folder(settings.certs_dir)), None
    if not settings.certs_secret or apis is None:
        raise ValueError("name a folder of certificates (--certs-dir) or a Secret (--certs-secret)")
    namespace, _, name = settings.certs_secret.partition("/")
    secret = Secret(apis, namespace, name)
    registrations = Registrations(
        apis,
        mutating=tuple(filter(None, [settings.mutating_webhook])),
        validating=tuple(filter(None, [settings.validating_webhook])),
    )
    names = parse_names(settings.dns_names, ())

    def tend() -> object:
        return ensure(secret, names, datetime.now(UTC), registrations)

    return Reloader(secret, wait=True), tend


class Draining(uvicorn.Server):
    """At SIGTERM readiness falls first and requests go on being served for a while; then uvicorn drains."""

    def __init__(self, config: uvicorn.Config, health: Health, seconds: float) -> None:
        super().__init__(config)
        self.health = health
        self.seconds = seconds

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self.health.draining or sig == signal.SIGINT:
            super().handle_exit(sig, frame)
            return
        self.health.draining = True
        logs.event("draining", seconds=self.seconds)
        asyncio.get_running_loop().call_later(self.seconds, self._finish)

    def _finish(self) -> None:
        """Begin uvicorn's own shutdown; without the signal, which it would raise again at the end."""
        self.should_exit = True
