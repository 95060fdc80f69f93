"""The load: keep-alive connections over TLS, closed loop for throughput, open loop for latency at a given rate."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What an API server sends, in one write.
_HEAD = (
    b"POST %s?timeout=3s HTTP/1.1\r\nhost: 127.0.0.1\r\n%scontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
)
_LENGTH = b"content-length: "


@dataclass
class Load:
    """What a load showed: requests a second, and latencies in seconds, sorted."""

    rate: float
    latencies: list[float]

    def at(self, share: float) -> float:
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


class Connection(asyncio.Protocol):
    """One connection with one request under way at most."""

    def __init__(self) -> None:
        self.buffer = b""
        self.waiting: asyncio.Future[bytes] | None = None
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0 or self.waiting is None:
            return
        head = self.buffer[:end].lower()
        if _LENGTH in head:
            size = end + 4 + int(head.split(_LENGTH, 1)[1].split(b"\r\n", 1)[0])
            complete = len(self.buffer) >= size
        else:
            # The API server sends its longer answers in chunks; JSON never holds the last one's bytes.
            complete = self.buffer.endswith(b"\r\n0\r\n\r\n")
        if complete:
            body, self.buffer = self.buffer[end + 4 :], b""
            waiting, self.waiting = self.waiting, None
            waiting.set_result(body)

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(error or ConnectionError("closed"))

    async def ask(self, request: bytes) -> bytes:
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.waiting


def request(path: bytes, body: bytes, token: bytes = b"") -> bytes:
    """One request; the token is a bearer's, for the API server."""
    bearer = b"authorization: Bearer %s\r\n" % token if token else b""
    return _HEAD % (path, bearer, len(body)) + body


async def connect(port: int, ca: Path, count: int) -> list[Connection]:
    context = ssl.create_default_context(cafile=ca)
    loop = asyncio.get_running_loop()
    made = [loop.create_connection(Connection, "127.0.0.1", port, ssl=context) for _ in range(count)]
    return [connection for _, connection in await asyncio.gather(*made)]


async def closed(port: int, ca: Path, requests: Sequence[bytes], seconds: float, connections: int = 8) -> Load:
    """As many requests as it can take, a few connections each with one under way."""
    opened = await connect(port, ca, connections)
    latencies: list[float] = []
    ends = time.perf_counter() + seconds

    async def run(connection: Connection, first: int) -> None:
        number = first
        while (began := time.perf_counter()) < ends:
            answer = await connection.ask(requests[number % len(requests)])
            latencies.append(time.perf_counter() - began)
            assert b'"allowed":true' in answer or b'"allowed": true' in answer, answer[:2000]
            number += 1

    began = time.perf_counter()
    await asyncio.gather(*(run(connection, 2 * index) for index, connection in enumerate(opened)))
    rate = len(latencies) / (time.perf_counter() - began)
    for connection in opened:
        connection.transport.close()
    return Load(rate, sorted(latencies))


# Connections at a steady rate.
_CONNECTIONS = 16


async def paced(port: int, ca: Path, requests: Sequence[bytes], rate: float, seconds: float) -> Load:
    """Requests at a steady rate; the time that one waits for a free connection counts."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in await connect(port, ca, _CONNECTIONS):
        free.put_nowait(connection)
    latencies: list[float] = []

    async def one(number: int, due: float) -> None:
        connection = await free.get()
        await connection.ask(requests[number % len(requests)])
        latencies.append(time.perf_counter() - due)
        free.put_nowait(connection)

    began = time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        tasks.append(asyncio.create_task(one(number, max(due, time.perf_counter() - 0.001))))
    await asyncio.gather(*tasks)
    reached = len(latencies) / (time.perf_counter() - began)
    while not free.empty():
        free.get_nowait().transport.close()
    return Load(reached, sorted(latencies))
