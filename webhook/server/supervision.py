"""Starts background tasks and threads again when they end, after a pause that grows with each failure.

Each failure is logged and counted; the service is not ready until the task has run for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from webhook.cluster.watch import pause

# Seconds that it has to go on after a restart before it counts as up.
SETTLED = 2.0
# Characters of an error's text: what else it says stands in the log.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failure of a task: why, how many came one after the other, and until when it counts as down."""

    problem: str
    times: int
    until: float


class Supervision:
    """All tasks and threads of one service, by name; `log` takes each failure: an event's name and its facts."""

    def __init__(self, log: Callable[..., None]) -> None:
        self.restarts: dict[str, int] = {}
        """How often each was started again."""
        self._log = log
        self._failures: dict[str, Failure] = {}

    def problems(self) -> list[str]:
        """What is down now, and why."""
        now = time.monotonic()
        return [
            f"the background task `{name}` is down: {failure.problem}"
            for name, failure in sorted(self._failures.copy().items())
            if now < failure.until
        ]

    async def task(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run it until cancelled. That it returns is a failure too: what goes on beside the reviews has no end."""
        self.restarts[name] = 0
        while True:
            error: BaseException | None = None
            try:
                await run()
            except (KeyboardInterrupt, GeneratorExit):
                raise
            except asyncio.CancelledError as cancelled:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                error = cancelled
            except BaseException as failed:  # what extension modules raise may be no Exception
                error = failed
            await asyncio.sleep(self._failed(name, error))

    def thread(self, name: str, run: Callable[[], None], ending: threading.Event) -> threading.Thread:
        """Run it in a thread of its own, until `ending` is set and it returns."""
        self.restarts[name] = 0

        def supervised() -> None:
            while True:
                error: BaseException | None = None
                try:
                    run()
                except BaseException as failed:
                    error = failed
                if ending.is_set():
                    return
                ending.wait(self._failed(name, error))

        thread = threading.Thread(target=supervised, name=name, daemon=True)
        thread.start()
        return thread

    def _failed(self, name: str, error: BaseException | None) -> float:
        """Note a failure; seconds until the next start."""
        before, now = self._failures.get(name), time.monotonic()
        times = before.times + 1 if before is not None and now < before.until else 1
        wait = pause(times)
        problem = "it ended" if error is None else _one_line(error)
        self._failures[name] = Failure(problem, times, now + wait + SETTLED)
        self.restarts[name] += 1
        where = "".join(traceback.format_exception(error)) if error is not None else None
        with contextlib.suppress(Exception):  # a failure of the log must not end the task
            self._log("background task failed", task=name, problem=problem, again=round(wait, 1), traceback=where)
        return wait


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:_LONGEST]
