"""The socket that KubeVirt calls: a thread a caller, few of them, until the virtual machine ends."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

from webhook.sidecar.calls import calls
from webhook.sidecar.connection import Call, Connection
from webhook.sidecar.status import Failed
from webhook.sidecar.worker import restate

# KubeVirt is one caller; where there are more, the one that has waited the longest goes.
MOST_CALLERS = 8
# Those that have not been let in yet; beyond that KubeVirt's call fails at once.
_WAITING = 128
# One user's, as KubeVirt's launcher has the same one (or is root).
_MODE = 0o177


def serve(path: Path) -> int:
    """Answer on this socket until SIGTERM or KubeVirt's word that the machine has ended; 2 where it cannot be had."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    answered = {name: _told(name, call) for name, call in calls(restate, _end_soon).items()}
    try:
        listener = _listening(path)
    except OSError as error:
        _tell(f"{path}: {error}")
        return 2
    try:
        _tell(f"listening on {path}")
        _accept(listener, answered)
    finally:
        path.unlink(missing_ok=True)


def _accept(listener: socket.socket, answered: Mapping[str, Call]) -> NoReturn:
    callers: list[Connection] = []
    while True:
        peer, _ = listener.accept()
        callers = [caller for caller in callers if caller.peer.fileno() >= 0]
        if len(callers) >= MOST_CALLERS:
            waiting = [caller for caller in callers if caller.waits] or callers
            waiting[0].close()
            callers.remove(waiting[0])
        connection = Connection(peer, answered)
        callers.append(connection)
        threading.Thread(target=connection.serve, daemon=True).start()


def _listening(path: Path) -> socket.socket:
    """The socket at this place; one that a process before us has left there is replaced, and nothing else is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and stat.S_ISSOCK(path.lstat().st_mode):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(_MODE)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(_WAITING)
    return listener


def _told(path: str, call: Call) -> Call:
    """The call, with a line in the log about each that does something."""
    name = path.rpartition("/")[2]

    def told(message: bytes, until: float) -> bytes:
        began = time.monotonic()
        try:
            made = call(message, until)
        except Failed as failed:
            _tell(f"{name}: {failed.code.name}: {failed.text}")
            raise
        _tell(f"{name}: answered with {len(made)} bytes after {time.monotonic() - began:.2f} s")
        return made

    return told


def _tell(text: str) -> None:
    print(f"vmconfig: {text}", file=sys.stderr, flush=True)


def _end_soon() -> None:
    """End the process when its answer has had the time to leave."""
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.daemon = True
    timer.start()


def _stop(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1])))
