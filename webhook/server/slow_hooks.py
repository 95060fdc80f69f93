"""Slow hooks run in a thread, one review at a time; a bounded number of further reviews waits."""

from __future__ import annotations

import asyncio

from webhook.server.hooks import Hook

# Reviews that wait at most; a further one is refused with 429, since a body that waits takes memory.
WAITING = 4


class SlowHooks:
    """Runs one review after the other; `waiting` counts those that wait and the one that runs."""

    def __init__(self, most: int = WAITING) -> None:
        self.most = most
        self.waiting = 0
        self._lock = asyncio.Semaphore(1)

    async def __call__(self, hook: Hook, body: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer; 429 where too many wait, 503 where no thread is left."""
        if self.waiting >= self.most:
            return hook.malformed(429, f"{self.most} reviews of this kind wait already: try again in some seconds")
        self.waiting += 1
        try:
            async with self._lock:
                return await asyncio.to_thread(hook, body)
        except RuntimeError:  # no thread can be started; a hook itself raises nothing
            return hook.malformed(503, "no thread is left for the review: try again in some seconds")
        finally:
            self.waiting -= 1
