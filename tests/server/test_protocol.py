"""The protocol without a socket: each bound at, just under and just over; what is under it is not refused."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from webhook.server import connections
from webhook.server.connections import HEAD_BYTES, HEADERS, LINGER, UNREAD, UNUSED, Connections, Stage
from webhook.server.protocol import BoundedProtocol

DEADLINE = 2.5
POST = b"POST /validate HTTP/1.1\r\nHost: x\r\n"
END = b"\r\n\r\n"


@dataclass
class Socket:
    """A transport that keeps what is written."""

    written: bytes = b""
    closed: str = ""
    reading: bool = True

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = self.closed or "close"

    def abort(self) -> None:
        self.closed = self.closed or "abort"

    def is_closing(self) -> bool:
        return bool(self.closed)

    def pause_reading(self) -> None:
        self.reading = False

    def set_read_buffer_limits(self, high: int) -> None:
        assert high > 0

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str) -> Any:
        return {"peercert": None}.get(name)


@dataclass
class Line:
    """One connection to an application that answers with the length of what it got."""

    registry: Connections
    protocol: BoundedProtocol
    socket: Socket
    reasons: Counter[str]
    fed: list[bytes] = field(default_factory=list)

    async def say(self, *pieces: bytes) -> bytes:
        """Send the pieces one after the other; all that was answered so far."""
        for piece in pieces:
            if self.socket.reading and not self.socket.closed:
                self.protocol.data_received(piece)
            await settled()
        return self.socket.written

    async def later(self, seconds: float) -> bytes:
        """As if so much time had passed."""
        self.registry.expire(asyncio.get_running_loop().time() + seconds)
        await settled()
        return self.socket.written


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def application(_scope: Any, receive: Any, send: Any) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message.get("more_body", False)
    body = str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def talk(test: Callable[[Line], Awaitable[None]], **registry: Any) -> None:
    """Run a test with a connection that has just been made."""

    async def run() -> None:
        reasons: Counter[str] = Counter()
        count = Connections(limit=10, deadline=DEADLINE, count=lambda reason: reasons.update([reason]), **registry)
        config = uvicorn.Config(application, http=BoundedProtocol, lifespan="off", log_config=None)
        protocol = BoundedProtocol(count, config, ServerState(), {}, asyncio.get_running_loop())
        socket = Socket()
        protocol.connection_made(socket)  # type: ignore[arg-type]
        line = Line(count, protocol, socket, reasons)
        parser = protocol.parser
        protocol.parser = _Counting(parser, line.fed)  # type: ignore[assignment]
        await test(line)
        protocol.connection_lost(None)
        assert count.bodies == 0
        assert len(count) == 0

    asyncio.run(run())


class _Counting:
    """httptools' parser, and all that it was given."""

    def __init__(self, parser: Any, fed: list[bytes]) -> None:
        self.parser, self.fed = parser, fed

    def feed_data(self, data: bytes) -> None:
        self.fed.append(data)
        self.parser.feed_data(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.parser, name)


def head(size: int) -> bytes:
    """A head of just this size."""
    start = POST + b"Content-Length: 2\r\nX: "
    return start + b"a" * (size - len(start) - len(END)) + END


def headers(number: int) -> bytes:
    """A head of just so many headers."""
    return POST + b"X: a\r\n" * (number - 2) + b"Content-Length: 2" + END


def status(answer: bytes) -> int:
    return int(answer.split()[1]) if answer else 0


HEADS = {
    "an ordinary head": (head(200), 200),
    "a head of the most bytes": (head(HEAD_BYTES), 200),
    "a head of a byte more": (head(HEAD_BYTES + 1), 431),
    "the most headers": (headers(HEADERS), 200),
    "a header more": (headers(HEADERS + 1), 431),
    "a path of the most bytes": (b"POST /" + b"a" * (HEAD_BYTES - 41) + b" HTTP/1.1\r\nContent-Length: 2" + END, 200),
    "empty lines before the request": (b"\r\n" + head(100), 200),
    "nothing but empty lines": (END, 400),
    "no HTTP": (b"hello" + END, 400),
}


@pytest.mark.parametrize("pieces", ["whole", "bytes"])
@pytest.mark.parametrize("case", HEADS)
def test_a_head_is_bounded_and_given_to_the_parser_in_one_piece(case: str, pieces: str) -> None:
    text, expected = HEADS[case]

    async def test(line: Line) -> None:
        parts = [text + b"{}"] if pieces == "whole" else [bytes([byte]) for byte in text + b"{}"]
        assert status(await line.say(*parts)) == expected
        assert all(END in fed for fed in line.fed[:1])
        assert (b"connection: close" in line.socket.written) is (expected != 200)
        assert line.socket.written.count(b"HTTP/1.1") == 1

    talk(test)


def test_an_endless_header_is_not_kept_and_never_reaches_the_parser() -> None:
    async def test(line: Line) -> None:
        pieces = [b"a" * 4096] * 100
        assert status(await line.say(POST + b"X: ", *pieces)) == 431
        assert line.fed == []
        assert len(line.protocol.head) == 0
        assert not line.socket.reading
        assert line.reasons == {"large-head": 1}
        await line.later(LINGER + 1)
        assert line.socket.closed

    talk(test)


@pytest.mark.parametrize(("seconds", "expected"), [(DEADLINE - 1, 0), (DEADLINE + 1, 408)])
def test_a_head_has_its_time(seconds: float, expected: int) -> None:
    async def test(line: Line) -> None:
        await line.say(POST)
        assert status(await line.later(seconds)) == expected
        assert line.reasons["slow-head"] == (expected == 408)
        if not expected:
            assert status(await line.say(b"Content-Length: 2" + END, b"{}")) == 200

    talk(test)


@pytest.mark.parametrize(("seconds", "closed"), [(UNUSED - 1, False), (UNUSED + 1, True)])
def test_a_connection_has_its_time_until_the_first_byte(seconds: float, closed: bool) -> None:
    async def test(line: Line) -> None:
        await line.later(seconds)
        assert bool(line.socket.closed) is closed
        assert line.reasons["unused"] == closed

    talk(test)


def test_a_connection_that_was_of_use_is_kept_longer_than_api_servers_keep_it() -> None:
    async def test(line: Line) -> None:
        await line.say(head(100) + b"{}")
        await line.later(170)
        assert not line.socket.closed
        assert status(await line.say(head(100) + b"{}")) == 200
        assert line.socket.written.count(b"HTTP/1.1 200") == 2

    talk(test)


SECOND = {
    "in the same piece": [head(100) + b"{}" + head(100) + b"{}"],
    "in the next piece": [head(100) + b"{}", head(100) + b"{}"],
}


def test_a_second_request_waits_for_the_first_answer() -> None:
    async def test(line: Line) -> None:
        answer = await line.say(SECOND["in the same piece"][0])
        assert answer.count(b"HTTP/1.1 200") == 1
        assert b"connection: close" in answer
        assert line.socket.closed == "close"

    talk(test)


def test_a_second_request_after_the_first_answer_is_answered() -> None:
    async def test(line: Line) -> None:
        answer = await line.say(*SECOND["in the next piece"])
        assert answer.count(b"HTTP/1.1 200") == 2
        assert b"connection: close" not in answer
        assert not line.socket.closed

    talk(test)


CHUNKED = POST + b"Transfer-Encoding: chunked" + END
BODIES = {
    "chunks": ([b"3\r\nabc\r\n", b"0\r\n\r\n"], 200),
    "large chunks": ([b"1000\r\n" + b"a" * 4096 + b"\r\n"] * 50 + [b"0\r\n\r\n"], 200),
    "some chunks of a byte": ([b"1\r\na\r\n"] * 1000 + [b"0\r\n\r\n"], 200),
    "chunks of a byte without end": ([b"1\r\na\r\n" * 100] * 100, 400),
    "a chunk whose size does not end": ([b"1;x="] + [b"a" * 4096] * 10, 400),
    "headers behind the body": ([b"0\r\n", b"X: a\r\n", b"\r\n"], 200),
    "a header behind the body without end": ([b"0\r\nX: "] + [b"a" * 4096] * 10, 400),
}


@pytest.mark.parametrize("case", BODIES)
def test_what_comes_beside_a_body_is_bounded(case: str) -> None:
    pieces, expected = BODIES[case]

    async def test(line: Line) -> None:
        assert status(await line.say(CHUNKED, *pieces)) == expected
        assert line.reasons["chunks"] == (expected == 400)

    talk(test)


def test_an_answer_before_the_body_ends_the_connection() -> None:
    """Else bytes would be read, and thrown away, for ever."""

    async def test(line: Line) -> None:
        line.protocol.app = _early
        assert status(await line.say(POST + b"Content-Length: 1000" + END + b"{")) == 200
        assert line.socket.closed

    talk(test)


async def _early(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def test_another_protocol_is_not_spoken() -> None:
    async def test(line: Line) -> None:
        asked = POST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0" + END
        answer = await line.say(asked, b"\x81\x05hello")
        assert status(answer) == 200
        assert line.socket.closed

    talk(test)


@pytest.mark.parametrize("taken", [True, False])
def test_an_answer_has_to_be_taken(taken: bool) -> None:
    async def test(line: Line) -> None:
        await line.say(head(100) + b"{}")
        line.protocol.pause_writing()
        if taken:
            line.protocol.resume_writing()
        await line.later(UNREAD + 1)
        assert bool(line.socket.closed) is not taken
        assert line.reasons["unread"] == (not taken)

    talk(test)


@pytest.mark.parametrize("size", [1000, 1001])
def test_bodies_that_have_not_arrived_are_bounded(size: int) -> None:
    async def test(line: Line) -> None:
        answer = await line.say(POST + b"Content-Length: 5000" + END, b"a" * size)
        assert status(answer) == (503 if size > 1000 else 0)
        assert line.registry.bodies == (0 if size > 1000 else size)

    talk(test, bodies_limit=1000)


def test_nothing_behind_a_refused_body_is_a_request() -> None:
    async def test(line: Line) -> None:
        answer = await line.say(POST + b"Content-Length: 2000" + END + b"a" * 2000 + head(100) + b"{}")
        assert status(answer) == 503
        assert answer.count(b"HTTP/1.1") == 1

    talk(test, bodies_limit=1000)


def test_a_body_that_has_arrived_is_not_counted() -> None:
    async def test(line: Line) -> None:
        for _ in range(3):
            await line.say(POST + b"Content-Length: 900" + END, b"a" * 900)
        assert line.socket.written.count(b"HTTP/1.1 200") == 3

    talk(test, bodies_limit=1000)


def test_while_draining_each_answer_ends_its_connection() -> None:
    async def test(line: Line) -> None:
        await line.say(head(100) + b"{}")
        assert b"connection: close" not in line.socket.written
        line.registry.drain()
        assert not line.socket.closed, "it was not told yet"
        assert b"connection: close" in await line.say(head(100) + b"{}")
        assert line.socket.closed == "close"

    talk(test)


def test_a_request_that_began_before_the_drain_is_told_too() -> None:
    async def test(line: Line) -> None:
        await line.say(head(100))
        line.registry.drain()
        assert b"connection: close" in await line.say(b"{}")

    talk(test)


def test_every_stage_but_waiting_for_the_answer_gives_way() -> None:
    assert frozenset(Stage) - connections.WAITING == {Stage.ANSWER, Stage.LOST}
