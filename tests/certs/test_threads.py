"""Calls off the event loop that the end of the process does not wait for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from certs.threads import in_daemon_thread


def test_it_returns_what_the_call_returns_and_leaves_the_loop_free() -> None:
    async def run() -> int:
        free = threading.Event()
        asyncio.get_running_loop().call_soon(free.set)
        return await in_daemon_thread(lambda number: number + free.wait(60), 1)

    assert asyncio.run(run()) == 2


@pytest.mark.parametrize("error", [OSError("no"), SystemExit(1)], ids=["an exception", "an exit"])
def test_it_raises_what_the_call_raises(error: BaseException) -> None:
    def fail() -> None:
        raise error

    async def run() -> BaseException | None:
        task = asyncio.ensure_future(in_daemon_thread(fail))
        await asyncio.wait([task])
        return task.exception()

    # An exit ends the loop's run as well: asyncio hands it on at once.
    with pytest.raises(type(error)):
        raise asyncio.run(run()) or AssertionError("nothing was raised")


def test_a_call_that_hangs_holds_up_neither_its_cancellation_nor_the_end_of_the_process() -> None:
    program = """
import asyncio, threading
from certs.threads import in_daemon_thread

async def run():
    task = asyncio.create_task(in_daemon_thread(threading.Event().wait))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task])
    print(task.cancelled())

asyncio.run(run())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "True\n"
