"""The server's life: it listens before it is ready, and ends without losing a request.

A client that keeps connections sends on one of them whenever it likes. Closing one that it believes in loses what it is
just sending, so that an answer on each says `Connection: close` before it is closed.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
import sys
from typing import Any, NamedTuple

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from webhook.server import logs
from webhook.server.connections import Connections
from webhook.server.health import Health
from webhook.server.listener import Listener, listen
from webhook.server.protocol import BoundedProtocol

# Seconds for requests in flight once no new ones are taken: half of it to arrive, half of it to be answered.
GRACE = 10
# Seconds between two checks for requests in flight.
_LOOK = 0.05


class Endpoint(NamedTuple):
    """Bound sockets, and the TLS context of the connections that they accept."""

    sockets: list[socket.socket]
    context: ssl.SSLContext


class DrainingServer(uvicorn.Server):
    """At SIGTERM or SIGHUP readiness falls and each answer ends its connection; later no new connections are taken."""

    def __init__(
        self, config: uvicorn.Config, endpoint: Endpoint, connections: Connections, health: Health, seconds: float
    ) -> None:
        super().__init__(config)
        self.endpoint = endpoint
        self.connections = connections
        self.health = health
        self.seconds = seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 (ours are bound before)
        listen(self.endpoint.sockets, self.config.host, self.config.port)
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        self.servers: list[Any] = [
            Listener(sock, self.connections, self._protocol, self.endpoint.context) for sock in self.endpoint.sockets
        ]
        self.looking = asyncio.create_task(self.health.supervision.task("connections", self.connections.look))
        self.started = True

    def _protocol(self) -> BoundedProtocol:
        loop = asyncio.get_running_loop()
        return BoundedProtocol(self.connections, self.config, self.server_state, self.lifespan.state, loop)

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self.health.draining or not self.started or sig == signal.SIGINT:
            super().handle_exit(sig, frame)
            return
        self.health.draining = True
        # Not at once: a signal handler interrupts the loop between any two steps.
        asyncio.get_running_loop().call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        logs.event("draining", seconds=self.seconds)
        self.connections.drain()
        asyncio.get_running_loop().call_later(self.seconds, self._finish)

    def _finish(self) -> None:
        """Begin uvicorn's own shutdown; without the signal, which it would raise again at the end."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        self.health.draining = True
        self.connections.drain()
        await self._requests_under_way()
        if self.health.context.checks is not None:
            self.health.context.checks.end()
        await super().shutdown(sockets)
        self.looking.cancel()

    async def _requests_under_way(self) -> None:
        """Until each that has begun is answered, or half of the grace is over; uvicorn waits for the rest.

        A request that has arrived and was not read yet has begun, too: it is read before the first look.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + GRACE // 2
        await asyncio.sleep(_LOOK)
        while self.connections.expected(loop.time()) and loop.time() < ends:
            await asyncio.sleep(_LOOK)
