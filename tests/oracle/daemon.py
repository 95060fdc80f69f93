"""A real libvirtd of the test's own: its sockets in a folder, its state on file systems that only it sees."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# What libvirtd keeps its state in; each becomes an empty file system in the daemon's own mount namespace.
_STATE = ("/run/libvirt", "/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt")
_CONF = """\
unix_sock_dir = "{folder}/sock"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:file:{folder}/log"
"""
_PATIENCE = 30.0


@contextmanager
def libvirtd(folder: Path) -> Iterator[Any]:
    """A connection to the daemon, which ends with the block, and by itself 30 seconds after its last client."""
    if os.geteuid() != 0 or not has_namespaces():
        pytest.skip("a libvirtd of the system needs root and a mount namespace of its own")
    import libvirt

    (folder / "sock").mkdir()
    (folder / "libvirtd.conf").write_text(_CONF.format(folder=folder))
    mounts = " && ".join(f"mkdir -p {path} && mount -t tmpfs none {path}" for path in _STATE)
    run = f"{mounts} && mkdir -p /etc/libvirt/nwfilter && exec libvirtd -f {folder}/libvirtd.conf -p {folder}/pid -t 30"
    started = subprocess.Popen(["unshare", "-m", "sh", "-c", run], stderr=subprocess.DEVNULL)
    try:
        yield _connected(libvirt, f"qemu+unix:///system?socket={folder}/sock/libvirt-sock", started)
    finally:
        started.terminate()
        started.wait(_PATIENCE)


def has_namespaces() -> bool:
    """Whether this machine lets us have a mount namespace: a bare chroot does not."""
    unshare = shutil.which("unshare")
    return (
        unshare is not None
        and subprocess.run([unshare, "-m", "true"], capture_output=True, check=False).returncode == 0
    )


def _connected(libvirt: Any, uri: str, started: subprocess.Popen[bytes]) -> Any:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return libvirt.open(uri)
        except libvirt.libvirtError:
            if time.monotonic() > until or started.poll() is not None:
                raise
            time.sleep(0.2)
