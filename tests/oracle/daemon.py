"""A real libvirtd of the test's own: its sockets in a folder, its state on file systems that only it sees.

It has processes of its own, too: a shell is their first, which reaps what QEMU leaves at once. Where nobody does,
libvirt waits seconds for each probe of QEMU.
"""

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

from tests.oracle.hypervisor import CONF

# What libvirtd keeps its state in; each becomes an empty file system in the daemon's own mount namespace.
_STATE = ("/run/libvirt", "/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt")
_UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
_CONF = """\
unix_sock_dir = "{folder}/sock"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:file:{folder}/log"
"""
_PATIENCE = 30.0


@contextmanager
def libvirtd(folder: Path) -> Iterator[Any]:
    """A connection to the daemon, which ends with the block, and all its VMs with it."""
    if os.geteuid() != 0 or not has_namespaces():
        pytest.skip("a libvirtd of the system needs root and a mount namespace of its own")
    import libvirt

    (folder / "sock").mkdir()
    (folder / "libvirtd.conf").write_text(_CONF.format(folder=folder))
    (folder / "qemu.conf").write_text(CONF)
    mounts = " && ".join(f"mkdir -p {path} && mount -t tmpfs none {path}" for path in _STATE)
    conf = f"mkdir -p /etc/libvirt/nwfilter && cp {folder}/qemu.conf /etc/libvirt"
    run = f"{mounts} && {conf} && libvirtd -f {folder}/libvirtd.conf -p {folder}/pid ; exit $?"
    started = subprocess.Popen([*_UNSHARE, "sh", "-c", run], stderr=subprocess.DEVNULL)
    try:
        yield _connected(libvirt, uri(folder), started)
    finally:
        started.kill()
        started.wait(_PATIENCE)


def uri(folder: Path) -> str:
    """Where the daemon of a folder answers."""
    return f"qemu+unix:///system?socket={folder}/sock/libvirt-sock"


def has_namespaces() -> bool:
    """Whether this machine lets us have namespaces of our own: a bare chroot does not."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False).returncode == 0


def _connected(libvirt: Any, uri: str, started: subprocess.Popen[bytes]) -> Any:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return libvirt.open(uri)
        except libvirt.libvirtError:
            if time.monotonic() > until or started.poll() is not None:
                raise
            time.sleep(0.2)
