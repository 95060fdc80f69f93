"""The serial console of a running VM, as people see it: `virsh console` on a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.waiting import PATIENCE


class Console:
    """A terminal with a console on it."""

    def __init__(self, terminal: int) -> None:
        self.terminal = terminal
        self.seen = b""

    def prompt(self, words: str) -> None:
        """Return when these words stand there. Return is pressed now and then: what was there first may be lost."""
        deadline, pressed = time.monotonic() + PATIENCE, 0.0
        while words.encode() not in self.seen:
            assert time.monotonic() < deadline, self.seen[-2000:]
            if time.monotonic() > pressed + 2:
                os.write(self.terminal, b"\r")
                pressed = time.monotonic()
            if select.select([self.terminal], [], [], 1)[0]:
                self.seen += os.read(self.terminal, 4096)


@contextmanager
def console(name: str) -> Iterator[Console]:
    """The console of a VM of the libvirt that LIBVIRT_DEFAULT_URI names."""
    ours, theirs = pty.openpty()
    command = ["virsh", "console", "--force", name]
    shown = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    try:
        yield Console(ours)
    finally:
        shown.kill()
        shown.wait()
        os.close(ours)
        os.close(theirs)
