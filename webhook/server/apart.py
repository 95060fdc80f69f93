"""Reviews that take long are decided beside the event loop, one at a time, and only so many wait for their turn."""

from __future__ import annotations

import asyncio

from webhook.server.hooks import Hook

# What comes while as many wait is told to come again: a body that waits takes memory.
WAITING = 4


class Apart:
    """One turn after the other; `waiting` counts those that have none yet or have it now."""

    def __init__(self, most: int = WAITING) -> None:
        self.most = most
        self.waiting = 0
        self._turn = asyncio.Semaphore(1)

    async def __call__(self, hook: Hook, body: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer; 429 where too many wait, 503 where no thread is left."""
        if self.waiting >= self.most:
            return hook.malformed(429, f"{self.most} checks of policies wait already: try again in some seconds")
        self.waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(hook, body)
        except RuntimeError:  # no thread can be started; a hook itself raises nothing
            return hook.malformed(503, "no thread is left for a check of policies: try again in some seconds")
        finally:
            self.waiting -= 1
