"""Tasks in forked processes of their own, as many at a time as there are processors: what each said before it ended."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

# Beyond it a process ends: a task needs some hundred MiB.
BYTES = 4 << 30
Task = TypeVar("Task")


def forked(tasks: Iterable[Task], work: Callable[[Task], bytes], seconds: float) -> Iterator[tuple[Task, bytes | int]]:
    """Each task with what `work` makes of it (at most 64 KiB), or with the signal that ended it; as they end.

    `seconds` of a processor is what each may take. Tasks are taken when there is a processor for them: what is learnt
    of some can change the next.
    """
    running: dict[int, tuple[Task, int]] = {}
    for task in tasks:
        if len(running) >= len(os.sched_getaffinity(0)):
            yield _ended(running)
        there, here = os.pipe()
        pid = os.fork()
        if not pid:
            signal.setitimer(signal.ITIMER_PROF, seconds)
            _child(here, task, work)
        os.close(here)
        running[pid] = task, there
    while running:
        yield _ended(running)


def _child(pipe: int, task: Task, work: Callable[[Task], bytes]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    try:
        os.write(pipe, work(task)[:65536])
    finally:
        os._exit(0)


def used() -> float:
    """Seconds of a processor that the processes took which have ended."""
    taken = resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken.ru_utime + taken.ru_stime


def _ended(running: dict[int, tuple[Task, int]]) -> tuple[Task, bytes | int]:
    pid, status = os.wait()
    task, pipe = running.pop(pid)
    with open(pipe, "rb") as said:
        code = os.waitstatus_to_exitcode(status)
        return task, -code if code < 0 else said.read()
