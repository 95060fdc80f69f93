"""A hook that listens, as it does beside one virtual machine."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.waiting import until


@dataclass
class Hook:
    """A running `vmconfig serve-hook`: its socket, its process."""

    path: Path
    process: subprocess.Popen[bytes]

    @property
    def resident(self) -> int:
        """The memory that it has, in bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")


def start(path: Path) -> Hook:
    command = [sys.executable, "-m", "webhook.cli", "serve-hook", str(path)]
    hook = Hook(path, subprocess.Popen(command))
    until(lambda: _answers(path) or hook.process.poll() is not None)
    return hook


def _answers(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        return True
    return False


@contextlib.contextmanager
def listening() -> Iterator[Hook]:
    # A socket's path has at most 108 characters, which the folders of tests exceed.
    with tempfile.TemporaryDirectory(prefix="hook") as folder:
        hook = start(Path(folder, "hook.sock"))
        try:
            assert hook.process.poll() is None
            yield hook
        finally:
            hook.process.kill()
            hook.process.wait()


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with listening() as running:
        yield running


@pytest.fixture
def own_hook() -> Iterator[Hook]:
    """One that a test may end."""
    with listening() as running:
        yield running
