"""Calls that wait for a disk or a cluster, in daemon threads, which the end of the process does not wait for.

The threads of `asyncio.to_thread` would hold it up until a call to a cluster that does not answer has timed out.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_daemon_thread(call: Callable[..., Result], *arguments: object) -> Result:
    """What the call returns or raises. Where it is cancelled, the call goes on and its outcome is dropped."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def settle(how: Callable[[Any], None], outcome: Any) -> None:
        if not done.cancelled():
            how(outcome)

    def run() -> None:
        how: Callable[[Any], None]
        outcome: Any
        try:
            how, outcome = done.set_result, call(*arguments)
        except BaseException as error:
            how, outcome = done.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, how, outcome)

    threading.Thread(target=run, name=getattr(call, "__name__", "call"), daemon=True).start()
    return await done
