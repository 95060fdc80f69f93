"""Callers without number, as a process of its own: `python -m tests.attacks.crowd PORT CA`.

Each comes again a moment after it was refused. It says `{}` once all have been there, again once of each kind somebody
came again, and at the end of its input how many connections of each kind it made, as a line of JSON. It leaves the CPU
to others: a real crowd has its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import sys
from collections import Counter
from collections.abc import Awaitable, Callable

HEAD = b"POST /validate HTTP/1.1\r\nHost: x\r\n"
Caller = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def idle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A header that goes on until somebody answers."""
    writer.write(HEAD + b"X: ")
    answer = asyncio.ensure_future(reader.read(1))
    try:
        while not answer.done():
            writer.write(b"a" * 4096)
            await writer.drain()
            await asyncio.sleep(0)
    finally:
        answer.cancel()


async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body of which most is there at once, and the rest byte by byte."""
    writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n" + b" " * 900_000)
    for _ in range(1000):
        writer.write(b" ")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.1)
            return


# How many there are of each kind at once.
KINDS: dict[str, tuple[int, Caller]] = {"idle": (200, idle), "endless": (50, endless), "slow": (20, slow)}


async def come(port: int, trusted: ssl.SSLContext, met: Counter[str]) -> None:
    """All of them, until cancelled."""
    tasks = [
        asyncio.create_task(_again(port, trusted, caller, name, met))
        for name, (number, caller) in KINDS.items()
        for _ in range(number)
    ]
    for more in (0, 1):
        while any(met[name] < number + more for name, (number, _) in KINDS.items()):
            await asyncio.sleep(0.1)
        print("{}", flush=True)
    await asyncio.gather(*tasks)


async def _again(port: int, trusted: ssl.SSLContext, caller: Caller, name: str, met: Counter[str]) -> None:
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusted)
            met[name] += 1
            try:
                await caller(reader, writer)
            finally:
                writer.transport.abort()
        await asyncio.sleep(0.2)


async def main(port: int, ca: str) -> None:
    os.nice(19)
    met: Counter[str] = Counter()
    coming = asyncio.create_task(come(port, ssl.create_default_context(cafile=ca), met))
    await asyncio.to_thread(sys.stdin.read)
    coming.cancel()
    print(json.dumps(met), flush=True)
    os._exit(0)  # hundreds of connections need no farewell


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
