"""The port. It is bound before anything is loaded; each connection is counted from before its TLS handshake."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from webhook.server.connections import HANDSHAKE, TLS_CLOSE, Connections, Stage
from webhook.server.protocol import BoundedProtocol

# Connections that wait in the kernel.
BACKLOG = 1024
# Bytes that wait in the kernel of one connection; what is read at once costs memory here as well.
RECEIVED = 16 * 1024
# Connections taken in one round of the loop: handshakes come in between reviews, not before them.
AT_ONCE = 1
# Seconds without taking any in where the system has no descriptor or memory for one.
PAUSE = 0.5


def bind(host: str, port: int) -> list[socket.socket]:
    """Sockets on all addresses of the host, not listening yet; an OSError of one line says which it cannot be."""
    made: list[socket.socket] = []
    try:
        for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            sock = socket.socket(family, kind)
            made.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(address)
    except OSError as error:
        for sock in made:
            sock.close()
        raise unusable(host, port, error) from None
    return made


def unusable(host: str, port: int, error: OSError) -> OSError:
    """One line on an address that nobody can listen on."""
    return OSError(f"--listen: cannot listen on `{host}:{port}`: {(error.strerror or str(error)).lower()}")


class Listener:
    """One listening socket; for uvicorn it looks like a server of asyncio."""

    def __init__(
        self,
        sock: socket.socket,
        registry: Connections,
        make: Callable[[], BoundedProtocol],
        context: ssl.SSLContext,
    ) -> None:
        self.sock = sock
        self.registry = registry
        self.make = make
        self.context = context
        self.loop = asyncio.get_running_loop()
        self.loop.add_reader(sock.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            if not self._take():
                return

    def _take(self) -> bool:
        """Take one connection in; False where none waits."""
        try:
            sock, _ = self.sock.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionError:
            return True
        except OSError:
            self.registry.count("system")
            self.loop.remove_reader(self.sock.fileno())
            self.loop.call_later(PAUSE, self._resume)
            return False
        if self.registry.room():
            self._admit(sock)
        else:
            self.registry.count("limit")
            sock.close()
        return True

    def _resume(self) -> None:
        if self.sock.fileno() >= 0:
            self.loop.add_reader(self.sock.fileno(), self._accept)

    def _admit(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        protocol = self.make()
        protocol.handshake = self.loop.create_task(self._handshake(sock, protocol))

    async def _handshake(self, sock: socket.socket, protocol: BoundedProtocol) -> None:
        try:
            await self.loop.connect_accepted_socket(
                lambda: protocol,
                sock,
                ssl=self.context,
                ssl_handshake_timeout=HANDSHAKE,
                ssl_shutdown_timeout=TLS_CLOSE,
            )
        except OSError:  # no TLS, too slow, or gone
            self.registry.count("handshake")
        finally:
            protocol.handshake = None
            if protocol.stage is Stage.HANDSHAKE:
                self.registry.lost(protocol)

    def close(self) -> None:
        """Take in what waits in the kernel, which would be lost otherwise, and nothing more."""
        if self.sock.fileno() < 0:
            return
        for _ in range(BACKLOG):
            if not self._take():
                break
        self.loop.remove_reader(self.sock.fileno())
        self.sock.close()

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""


def listen(sockets: list[socket.socket], host: str, port: int) -> None:
    """Let the kernel take connections; raises OSError where somebody else was faster."""
    for sock in sockets:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED)
        try:
            sock.listen(BACKLOG)
        except OSError as error:
            raise unusable(host, port, error) from None
