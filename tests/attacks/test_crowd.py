"""A crowd at the port of one replica, and honest creations that go on as if it were not there.

The crowd comes back whenever it is refused. The environment variable FLOOD_SECONDS says how long it stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import yaml

from tests.e2e.service import CHART, Service, resident, serving
from tests.server.sending import Sent, endpoints, sending

SECONDS = float(os.environ.get("FLOOD_SECONDS", "20"))
RATE = 20
IDLE, ENDLESS, SLOW = 200, 50, 20
# Milliseconds below which a time is no matter of the service on a machine that does other things too.
FLOOR = 20
HEAD = b"POST /validate HTTP/1.1\r\nHost: x\r\n"

Caller = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def test_honest_creations_go_on_in_a_crowd(tmp_path: Path) -> None:
    with serving(tmp_path, flags=("--drain-seconds", "0")) as service:
        endpoints(tmp_path, [service.port])
        quiet, _ = _measured(tmp_path, service, min(SECONDS, 20))
        with _crowd(service) as met:
            crowded, memory = _measured(tmp_path, service, SECONDS)
    print(f"quiet:   {_shown(quiet)}")
    print(f"crowded: {_shown(crowded)}; {memory / 2**20:.0f} MiB; met {dict(met)}")
    assert met["idle"] > IDLE
    assert met["endless"] > ENDLESS
    assert met["slow"] > SLOW
    assert quiet.lost == crowded.lost == []
    assert crowded.sent > SECONDS * RATE / 2
    for part in (0.5, 0.95):
        assert crowded.quantile(part) < 10 * max(quiet.quantile(part), FLOOR)
    assert memory < _limit()


def _measured(folder: Path, service: Service, seconds: float) -> tuple[Sent, int]:
    """Honest creations for so long, and the most memory that the service had meanwhile, in bytes."""
    most = 0
    with sending(folder, folder / "certs" / "ca.crt", RATE) as sent:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            most = max(most, resident(service))
            time.sleep(0.2)
    return sent, most


def _shown(sent: Sent) -> str:
    times = ", ".join(f"{name} {sent.quantile(part):.1f} ms" for name, part in _PARTS.items())
    return f"{sent.sent} creations, {len(sent.lost)} lost, {times}"


_PARTS = {"median": 0.5, "95 %": 0.95, "99 %": 0.99, "longest": 1}


def _limit() -> int:
    """The chart's limit of memory, in bytes."""
    text = yaml.safe_load((CHART / "values.yaml").read_text())["resources"]["limits"]["memory"]
    assert text.endswith("Mi")
    return int(text.removesuffix("Mi")) * 2**20


@contextlib.contextmanager
def _crowd(service: Service) -> Iterator[Counter[str]]:
    """The crowd while this is entered; how many connections of each kind it made."""
    met: Counter[str] = Counter()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(_come(loop, service, met),))
    thread.start()
    try:
        while sum(met.values()) < IDLE + ENDLESS + SLOW:
            assert thread.is_alive()
            time.sleep(0.1)
        yield met
    finally:
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        thread.join(60)
        loop.close()


async def _come(loop: asyncio.AbstractEventLoop, service: Service, met: Counter[str]) -> None:
    kinds = [("idle", IDLE, _idle), ("endless", ENDLESS, _endless), ("slow", SLOW, _slow)]
    tasks = [
        loop.create_task(_again(service, caller, name, met)) for name, number, caller in kinds for _ in range(number)
    ]
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks)


async def _again(service: Service, caller: Caller, name: str, met: Counter[str]) -> None:
    """One caller, who comes again a moment after he was refused."""
    trusted = ssl.create_default_context(cafile=service.folder / "certs" / "ca.crt")
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port, ssl=trusted)
            met[name] += 1
            try:
                await caller(reader, writer)
            finally:
                writer.transport.abort()
        await asyncio.sleep(0.2)


async def _idle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def _endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"X: ")
    while not reader.at_eof() and not reader._buffer:  # type: ignore[attr-defined]
        writer.write(b"a" * 4096)
        await writer.drain()
        await asyncio.sleep(0)


async def _slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n" + b" " * 900_000)
    for _ in range(1000):
        writer.write(b" ")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.1)
            return
