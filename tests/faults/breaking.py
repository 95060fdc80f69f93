"""`vmconfig serve` in which a task fails while a file of its name is there: FOLDER, then the service's command."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from webhook.cli import main

# What runs as which task: a module, and the name of a function in it.
TASKS = {
    "policies": ("webhook.server.background", "watch_policies"),
    "exceptions": ("webhook.server.background", "PolicyReporter.watch_dates"),
    "events": ("webhook.cluster.events", "Events.run"),
    "certificates": ("certs.serve", "watch"),
    "namespaces": ("webhook.cluster.watch", "Watch.run"),
    "virtualmachineconfigs": ("webhook.cluster.watch", "Watch.run"),
    "vmdefinitions": ("webhook.cluster.watch", "Watch.run"),
    "vmdefinitionsnapshots": ("webhook.cluster.watch", "Watch.run"),
    "connections": ("webhook.server.connections", "Connections.look"),
    "log": ("webhook.server.log_writer", "LogWriter.run"),
}


def break_while(there: Path, module: str, name: str) -> None:
    """Have the task fail at each start while the file is there, and soon after it comes where it runs."""
    owner: Any = importlib.import_module(module)
    *parts, last = name.split(".")
    for part in parts:
        owner = getattr(owner, part)
    original = getattr(owner, last)
    made = _task if asyncio.iscoroutinefunction(original) else _thread
    setattr(owner, last, made(original, there))


def _task(original: Callable[..., Awaitable[None]], there: Path) -> Callable[..., Awaitable[None]]:
    async def run(*arguments: Any, **options: Any) -> None:
        work = asyncio.ensure_future(original(*arguments, **options))
        while not there.exists():
            await asyncio.sleep(0.05)
        work.cancel()
        raise RuntimeError("broken by a test")

    return run


def _thread(original: Callable[..., None], there: Path) -> Callable[..., None]:
    """A thread cannot be broken from without: it fails at its start, then goes on. Its name is the task's."""

    def run(*arguments: Any, **options: Any) -> None:
        if there.name == threading.current_thread().name and there.exists():
            time.sleep(0.05)
            raise RuntimeError("broken by a test")
        original(*arguments, **options)

    return run


if __name__ == "__main__":
    folder, *command = sys.argv[1:]
    for task, place in TASKS.items():
        break_while(Path(folder) / task, *place)
    sys.exit(main(command[command.index("serve") :]))
