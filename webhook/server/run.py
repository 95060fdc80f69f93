"""The process: uvicorn over TLS with certificates that change while it runs, and a shutdown that loses no request."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import UTC, datetime

import uvicorn

from certs.authority import parse_names
from certs.cluster import Apis, Registrations, Secret, connect
from certs.ensure import ensure
from certs.serve import Reloader
from certs.store import Folder
from webhook.cluster.api import asking
from webhook.server import logs
from webhook.server.app import create_app
from webhook.server.connections import BODIES, Connections, limit_of
from webhook.server.drain import GRACE, DrainingServer, Endpoint
from webhook.server.listener import bind
from webhook.server.protocol import BoundedProtocol
from webhook.server.settings import Settings
from webhook.server.supervision import Supervision

# The API server keeps idle connections for 90 s and more (client-go's transport): ours must not close them first.
KEEP_ALIVE = 180


def serve(settings: Settings) -> int:
    """Serve until SIGTERM, SIGHUP or SIGINT. Raises what certificates and policies cannot be loaded for."""
    supervision = Supervision(logs.event)
    with logs.queued(supervision):
        return _serve(settings, supervision)


def _serve(settings: Settings, supervision: Supervision) -> int:
    sockets = bind(settings.host, settings.port)
    apis = cluster(settings)
    reloader, renew = certificates(settings, apis)
    app = create_app(settings, reloader, renew, apis, supervision)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE // 2,
    )
    connections = Connections(
        limit=connection_limit(settings),
        deadline=settings.deadline,
        count=app.state.metrics.refused_connection,
        bodies_limit=max(BODIES, 2 * settings.body_limit),
    )
    app.state.metrics.connections.set_function(lambda: len(connections))
    endpoint = Endpoint(sockets, reloader.context)
    server = DrainingServer(config, endpoint, connections, app.state.health, settings.drain_seconds)
    # uvicorn takes SIGTERM and SIGINT alone; a terminal that closes sends this one, and would end requests under way.
    signal.signal(signal.SIGHUP, server.handle_exit)
    server.run()
    return 0 if server.started else 1


def connection_limit(settings: Settings) -> int:
    """How many connections are accepted; logged where the process may not open enough descriptors for the setting."""
    limit = limit_of(settings.connection_limit)
    if limit < settings.connection_limit:
        logs.event("connections limited by descriptors", limit=limit, wanted=settings.connection_limit)
    return limit


def cluster(settings: Settings) -> Apis | None:
    """The cluster, where a setting needs one: this pod's, or else that of the user's kubeconfig; raises Unanswered."""
    if not settings.needs_cluster:
        return None
    with asking("the cluster"):
        return connect()


def certificates(settings: Settings, apis: Apis | None) -> tuple[Reloader, Callable[[], object] | None]:
    """The source of the certificate, and how it is renewed where the service does so itself.

    A folder must have one at the start. The cluster of a Secret may be unreachable: its certificate may come later.
    """
    if settings.certs_dir is not None:
        return Reloader(Folder(settings.certs_dir), settings.client_ca), None
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

    def renew() -> object:
        return ensure(secret, names, datetime.now(UTC), registrations)

    return Reloader(secret, settings.client_ca, wait=True), renew
