"""No background task and no thread dies unseen: it is started again, and until it goes on the service is not ready."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from webhook.server import supervision as module
from webhook.server.supervision import Supervision

PATIENCE = 60.0


class Alien(BaseException):
    """What an extension module may raise: no Exception."""


class Told(list[tuple[str, dict[str, Any]]]):
    def __call__(self, event: str, **facts: Any) -> None:
        self.append((event, facts))


async def soon(holds: Callable[[], object]) -> None:
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends, "it did not come to hold"
        await asyncio.sleep(0.01)


def supervised(run: Callable[[], Awaitable[None]], story: Callable[[Supervision], Awaitable[None]]) -> Told:
    """Runs the story beside a supervised task, which must still be supervised at its end; what was told."""
    told = Told()

    async def both() -> None:
        supervision = Supervision(told)
        task = asyncio.create_task(supervision.task("work", run))
        await asyncio.sleep(0)
        await story(supervision)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(both())
    return told


class Failing:
    """Fails so often, then goes on."""

    def __init__(self, times: int, fail: Callable[[], None]) -> None:
        self.starts = 0
        self.times, self.fail = times, fail

    def attempt(self) -> bool:
        """Whether it goes on."""
        self.starts += 1
        if self.starts <= self.times:
            self.fail()
            return False
        return True

    async def __call__(self) -> None:
        if self.attempt():
            await asyncio.Event().wait()


def _raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


WAYS = {
    "an exception": _raising(RuntimeError("it broke\nsecond line")),
    "memory": _raising(MemoryError()),
    "no exception of Python's": _raising(Alien("panic")),
    "an exit": _raising(SystemExit(1)),
    "a cancellation from within": _raising(asyncio.CancelledError()),
    "its end": lambda: None,
}


@pytest.mark.parametrize("fail", WAYS.values(), ids=WAYS.keys())
def test_a_task_that_fails_is_down_and_told_and_goes_on_again(
    fail: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLED", 0.5)
    work = Failing(2, fail)

    async def story(supervision: Supervision) -> None:
        await soon(supervision.problems)
        (problem,) = supervision.problems()
        assert problem.startswith("the background task `work` is down: ")
        assert "\n" not in problem
        await soon(lambda: work.starts == 3)
        await soon(lambda: not supervision.problems())
        assert supervision.restarts == {"work": 2}

    told = supervised(work, story)
    assert [(event, facts["task"]) for event, facts in told] == [("background task failed", "work")] * 2


def test_a_task_that_does_not_fail_is_not_started_again() -> None:
    work = Failing(0, lambda: None)

    async def story(supervision: Supervision) -> None:
        await soon(lambda: work.starts)
        await asyncio.sleep(0.5)
        assert supervision.problems() == []
        assert supervision.restarts == {"work": 0}

    assert supervised(work, story) == []
    assert work.starts == 1


def test_a_log_that_fails_ends_no_supervision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Told, "__call__", lambda *_, **__: _raising(OSError("disk full"))())
    work = Failing(1, _raising(RuntimeError()))

    async def story(_: Supervision) -> None:
        await soon(lambda: work.starts == 2)

    supervised(work, story)


def test_what_fails_again_and_again_is_started_more_and_more_rarely_and_stays_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures: list[int] = []
    monkeypatch.setattr(module, "pause", lambda times: failures.append(times) or 0.0)
    work = Failing(10**6, _raising(RuntimeError()))

    async def story(supervision: Supervision) -> None:
        await soon(lambda: len(failures) > 20)
        assert supervision.problems()

    supervised(work, story)
    assert failures[:20] == list(range(1, 21))


def test_what_went_on_for_a_while_begins_with_short_pauses_again(monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[int] = []
    monkeypatch.setattr(module, "pause", lambda times: failures.append(times) or 0.0)
    monkeypatch.setattr(module, "SETTLED", 0.0)

    async def work() -> None:
        await asyncio.sleep(0.02)
        raise RuntimeError

    async def story(_: Supervision) -> None:
        await soon(lambda: len(failures) > 5)

    supervised(work, story)
    assert set(failures) == {1}


@pytest.mark.parametrize("fail", [WAYS["an exception"], WAYS["an exit"], WAYS["its end"]])
def test_a_thread_that_fails_is_down_and_told_and_goes_on_again_until_it_is_ended(
    fail: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLED", 0.5)
    told, ending = Told(), threading.Event()
    work = Failing(2, fail)
    supervision = Supervision(told)
    thread = supervision.thread("work", lambda: ending.wait() if work.attempt() else None, ending)  # type: ignore[arg-type, return-value]

    async def story() -> None:
        await soon(supervision.problems)
        await soon(lambda: work.starts == 3)
        await soon(lambda: not supervision.problems())

    asyncio.run(story())
    ending.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert supervision.restarts == {"work": 2}
    assert [facts["task"] for _, facts in told] == ["work", "work"]
