"""uvicorn's HTTP protocol with a bound on everything that a caller may send, hold or wait for.

A head is given to the parser in one piece: the parser joins the pieces of a header by copying all before. Nothing is
read of a second request before the first is answered; no API server sends one.
"""

from __future__ import annotations

import asyncio
import math
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from webhook.server.connections import HANDSHAKE, HEAD_BYTES, HEADERS, LINGER, UNREAD, UNUSED, Connections, Stage

# Bytes of one connection that TLS keeps while nothing is read of it.
UNPARSED = 16 * 1024
# What is counted where nothing came in time.
_OVERDUE = {Stage.HANDSHAKE: "handshake", Stage.UNUSED: "unused"}
_END = b"\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """One connection, from its TLS handshake on; a webhook.server.connections.Connection."""

    def __init__(
        self,
        registry: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self.registry = registry
        self.stage = Stage.HANDSHAKE
        # When this stage is over, by the loop's clock.
        self.ends = loop.time() + HANDSHAKE * 2
        # The task that waits for the handshake.
        self.handshake: asyncio.Task[None] | None = None
        self.certified = False
        # Bytes of a head that is not whole yet.
        self.head = bytearray()
        # Bytes of a body: counted while it has not arrived whole; all of it; what came beside it on the wire.
        self.held = self.received = self.beside = 0
        self.refusal = HTTPStatus.BAD_REQUEST
        registry.entered(self)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_read_buffer_limits(high=UNPARSED)  # type: ignore[attr-defined]
        self.certified = bool(transport.get_extra_info("peercert"))
        self._wait(Stage.UNUSED, UNUSED)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        self._wait(Stage.LOST)
        self._release()
        self.registry.lost(self)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.stage is Stage.BODY:
            self._feed(data)
        elif self.stage is Stage.ANSWER:
            self.cycle.keep_alive = False
        elif self.stage is not Stage.REFUSED:
            self._head(data)

    def _head(self, data: bytes) -> None:
        if self.stage is not Stage.HEAD:
            self._unset_keepalive_if_required()
            self._wait(Stage.HEAD, self.registry.deadline)
        searched = max(len(self.head) - len(_END) + 1, 0)
        self.head += data
        end = self.head.find(_END, searched)
        size = len(self.head) if end < 0 else end + len(_END)
        if size > HEAD_BYTES:
            self.refuse(431, "large-head")
        elif end >= 0:
            whole, self.head = bytes(self.head), bytearray()
            self.received, self.beside = 0, -size
            self._feed(whole)
            if self.stage is Stage.HEAD:  # empty lines and no request
                self.refuse(400, "no-http")

    def _feed(self, data: bytes) -> None:
        before = self.received
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.cycle.keep_alive = False
        except httptools.HttpParserError:
            self._unparsed()
            return
        self.beside += len(data) - (self.received - before)
        # Sizes of chunks, and what may follow the last of them.
        if self.stage is Stage.BODY and self.beside > HEAD_BYTES + self.received // 16:
            self.refuse(400, "chunks")

    def _unparsed(self) -> None:
        """What came is no HTTP, or more than may be; behind a whole request it is only not read."""
        if self.stage is Stage.ANSWER:
            self.cycle.keep_alive = False
        elif self.stage in (Stage.HEAD, Stage.BODY):
            self.refuse(self.refusal, "no-http" if self.refusal == HTTPStatus.BAD_REQUEST else "large-head")

    def on_message_begin(self) -> None:
        if self.stage is not Stage.HEAD:
            raise ValueError("a second request before the answer to the first")
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.stage is Stage.HEAD:  # else it stands behind the body, where nobody looks at it
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if len(self.headers) > HEADERS:
            self.refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise ValueError("too many headers")
        super().on_headers_complete()
        self.scope["state"]["client_certificate"] = self.certified
        if self.registry.draining:
            self.cycle.keep_alive = False
        self._wait(Stage.BODY)

    def on_body(self, body: bytes) -> None:
        self.received += len(body)
        if self.stage is not Stage.BODY or self.cycle.response_complete:
            return
        super().on_body(body)
        self.held += len(body)
        self.registry.hold(len(body))

    def on_message_complete(self) -> None:
        if self.stage is not Stage.BODY:
            return
        super().on_message_complete()
        self._release()
        self._wait(Stage.ANSWER)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._release()
        if self.transport.is_closing():
            return
        if self.stage is Stage.BODY:  # answered without its body, of which more would come
            self.transport.close()
        else:
            self._wait(Stage.IDLE, UNREAD if self.flow.write_paused else math.inf)
            self.registry.answered(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.stage is not Stage.REFUSED:
            self.ends = self.loop.time() + UNREAD

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.stage in (Stage.BODY, Stage.ANSWER, Stage.IDLE):
            self.ends = math.inf

    def expire(self) -> None:
        """Its time is over: a head gets an answer that says so, whoever said nothing at all gets none."""
        if self.stage is Stage.HEAD:
            self.refuse(408, "slow-head")
        elif self.stage is Stage.REFUSED:
            self.ends = math.inf
            self.transport.close()
        else:
            self.registry.count(_OVERDUE.get(self.stage, "unread"))
            self.drop()

    def refuse(self, status: int, reason: str) -> None:
        """Answer for the whole connection, and read nothing of it any more."""
        self.registry.count(reason)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.drop()
                return
        self._release()
        self.head = bytearray()
        self._wait(Stage.REFUSED, LINGER)
        self.transport.write(_answer(status))
        self.transport.pause_reading()

    def drop(self) -> None:
        """End it at once and without a word."""
        if self.stage is not Stage.HANDSHAKE:
            self.transport.abort()
        elif self.handshake is not None:
            self.handshake.cancel()

    def finish_with_answer(self) -> None:
        """The answer to the request that has begun is the last."""
        if self.stage in (Stage.BODY, Stage.ANSWER):
            self.cycle.keep_alive = False

    def _wait(self, stage: Stage, seconds: float = math.inf) -> None:
        self.stage = stage
        self.ends = self.loop.time() + seconds

    def _release(self) -> None:
        self.registry.bodies -= self.held
        self.held = 0


def _answer(status: int) -> bytes:
    phrase = HTTPStatus(status).phrase
    return (
        f"HTTP/1.1 {int(status)} {phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(phrase)}\r\nconnection: close\r\n\r\n{phrase}"
    ).encode()
