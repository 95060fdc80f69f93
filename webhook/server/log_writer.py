"""Lines on their way to a file descriptor: a bounded queue, and a thread that alone waits for whoever reads.

Where the log cannot be written (a full disk, a closed pipe, a reader that stopped) lines are dropped and counted, and
nothing else happens: `put` neither raises nor waits.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from itertools import accumulate

# What waits at most. As much again is being written, so that twice the bytes are held in all.
LINES, BYTES = 8192, 4 * 1024 * 1024
# Milliseconds between two looks at a descriptor that somebody made non-blocking and that takes nothing now.
_FULL = 1000


class LogWriter:
    """Writes whole lines, in order. `descriptor` is None where there is nothing to write to.

    `notice` makes the line that tells how many lines were dropped, once lines can be written again.
    """

    def __init__(
        self, descriptor: int | None, notice: Callable[[int], bytes], lines: int = LINES, size: int = BYTES
    ) -> None:
        self.dropped = 0
        """Lines that were never written, since the start."""
        self.ending = threading.Event()
        self._descriptor, self._notice = descriptor, notice
        self._most, self._largest = lines, size
        self._lines: list[bytes] = []
        self._size = 0
        self._reported = 0
        self._torn = False
        # Reentrant by default: a signal's handler may log while its own thread is in `put`.
        self._changed = threading.Condition()

    def put(self, line: bytes) -> None:
        """Have a line written soon, with its newline; from any thread, and from a signal's handler."""
        with self._changed:
            fits = len(self._lines) < self._most and self._size + len(line) <= self._largest
            if not fits or self.ending.is_set():
                self.dropped += 1
                return
            self._lines.append(line)
            self._size += len(line)
            self._changed.notify()

    def run(self) -> None:
        """Write what is put, until it has ended and nothing is left."""
        while lines := self._take():
            self._write(lines)

    def end(self) -> None:
        """Have `run` return once what was put is written; what is put from now on is dropped."""
        with self._changed:
            self.ending.set()
            self._changed.notify_all()

    def _take(self) -> list[bytes]:
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self.ending.is_set())
            lines, self._lines, self._size = self._lines, [], 0
            return lines

    def _write(self, lines: list[bytes]) -> None:
        """All lines at once: each write of its own would wait for its turn among the interpreter's threads."""
        dropped = self.dropped
        head = b"\n" if self._torn else b""
        if dropped > self._reported:
            head += self._notice(dropped - self._reported)
        data = memoryview(head + b"".join(lines))
        done = 0
        try:
            while done < len(data):
                done += self._some(data[done:])
        except OSError:
            with self._changed:
                self.dropped += sum(end > done - len(head) for end in accumulate(map(len, lines)))
        if done >= len(head):
            self._reported = dropped
        if done:
            self._torn = data[done - 1] != ord("\n")

    def _some(self, data: memoryview) -> int:
        """Write as much as there is room for, and wait for room; the bytes that were written."""
        if self._descriptor is None:
            raise OSError
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            room = select.poll()
            room.register(self._descriptor, select.POLLOUT)
            room.poll(_FULL)
            return 0
