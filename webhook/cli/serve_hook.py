"""`vmconfig serve-hook`: what `vmconfig hook` does, for a KubeVirt that asks over gRPC."""

from __future__ import annotations

import importlib.util
import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from webhook.cli.verb import Verb

_FOLDER = "/var/run/kubevirt-hooks"
# glibc gives large messages back only where they never come from an arena, of which it would make one a thread.
_MALLOC = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}


def add_flags(parser: ArgumentParser) -> None:
    """The argument of the verb."""
    what = "the socket to listen on; as KubeVirt runs hooks and binding plugins, a name of its own in " + _FOLDER
    parser.add_argument("socket", nargs="?", metavar="SOCKET", type=Path, help=what)


def run(given: Namespace) -> int:
    """Become the listener: a process that has none of what the other verbs need, since each VM has one."""
    if importlib.util.find_spec("h2") is None:
        raise ValueError("serving hooks needs the package h2: `pip install 'vmconfig[hook]'`")
    # KubeVirt knows the sockets of a pod's containers apart by their file names alone.
    socket = given.socket or Path(_FOLDER, f"vmconfig-{os.environ.get('CONTAINER_NAME') or 'hook'}.sock")
    command = [sys.executable, "-m", "webhook.sidecar.listener", str(socket)]
    return os.execve(sys.executable, command, {**os.environ, **_MALLOC})  # noqa: S606


VERBS = (Verb("serve-hook", "answer KubeVirt's hooks over gRPC, for one machine", run, add_flags, prints=False),)
