"""libvirt on this machine, asked by `virsh`, which is wherever libvirt is (Debian: libvirt-clients).

The connection is virsh's own: what LIBVIRT_DEFAULT_URI names, else the system's for root and the session's for others.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from webhook.declare import shown
from webhook.findings import Finding, Refused

_PACKAGES = (
    "install libvirt and QEMU "
    "(Debian: libvirt-daemon-system, libvirt-clients, qemu-system-x86, ovmf, swtpm-tools, dnsmasq-base)"
)
_START = (
    "start libvirt (`systemctl start libvirtd`; without systemd `virtlogd -d` and `libvirtd -d` as root), "
    "or name another one in LIBVIRT_DEFAULT_URI"
)
# How virsh begins where it has no libvirt to talk to.
_NO_LIBVIRT = "failed to connect"


def virsh(*words: str) -> str:
    """What virsh prints for a command; raises Refused with what it says where it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; names are checked, and options come first
            ["virsh", "--quiet", *words],  # noqa: S607 - the virsh of whoever calls
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise Refused([Finding("libvirt", "`virsh` is not on this machine", _PACKAGES, "libvirt")]) from None
    if done.returncode != 0:
        raise Refused([_failed(words[0], done.stderr)])
    return done.stdout


def given(command: str, document: str, *words: str) -> str:
    """The same for a command about a document, which it reads from a file."""
    with tempfile.TemporaryDirectory(prefix="vmconfig-") as folder:
        path = Path(folder) / "document.xml"
        path.write_text(document)
        return virsh(command, str(path), *words)


def lines(*words: str) -> list[str]:
    """The lines of what virsh prints, without empty ones."""
    return [line.strip() for line in virsh(*words).splitlines() if line.strip()]


def _failed(command: str, said: str) -> Finding:
    reasons = [line.removeprefix("error:").strip() for line in said.splitlines() if line.strip()]
    if any(reason.startswith(_NO_LIBVIRT) for reason in reasons):
        return Finding("libvirt", f"does not answer: {shown(reasons[-1], 200)}", _START, "libvirt")
    problem = f"`virsh {command}` failed: {shown('; '.join(reasons), 400)}"
    return Finding("libvirt", problem, "libvirt's log says more (`journalctl -u libvirtd`)", "libvirt")
