"""The newest libvirt and QEMU that Debian has, in a folder of their own: a second judge beside the installed one.

Packages of Debian's testing, by apt with lists of its own, unpacked without their scripts into the user's cache folder;
what runs there runs below a chroot in a mount namespace. Nothing of the system is changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.build import cache
from tests.oracle.daemon import has_namespaces
from tests.packages import run

SUITE = "testing"
# The driver and its binding, QEMU, and what libvirt looks for before it makes a command line.
PACKAGES = (
    "libvirt-daemon-driver-qemu", "python3-libvirt", "python3-minimal", "qemu-system-x86", "qemu-system-s390x",
    "seabios", "ovmf", "virtiofsd",
)  # fmt: skip
# libvirt's QEMU driver does not start without the user that QEMU would run as.
_USERS = {
    "passwd": "root:x:0:0::/root:/bin/sh\nlibvirt-qemu:x:64055:64055::/:/bin/false\n",
    "group": "root:x:0:\nlibvirt-qemu:x:64055:\n",
}
_SOURCE = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {uri} {suite} main\n"
_APT = ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial")


def folder() -> Path:
    """The folder that is the root of a system with the newest libvirt; skips where it is not made."""
    made = _place()
    if not made.exists() or not has_namespaces():
        pytest.skip("a newer libvirt in a folder needs root, Debian's apt-get and a mount namespace of its own")
    return made


def _place() -> Path:
    digest = hashlib.sha256(" ".join((SUITE, *PACKAGES)).encode()).hexdigest()[:16]
    return cache() / f"libvirt-{SUITE}-{digest}"


def install() -> str:
    """Make the folder where the cache has none (a minute); returns what is missing where it cannot be made."""
    made = _place()
    if made.exists():
        return ""
    source = _source()
    if os.geteuid() != 0 or not has_namespaces() or not source:
        return "a newer libvirt in a folder"
    print(f"unpacking Debian's newest libvirt and QEMU once, into {made}", file=sys.stderr, flush=True)
    made.parent.mkdir(parents=True, exist_ok=True)
    with made.with_name("libvirt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            part = made.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            _unpack(part, source)
            part.rename(made)
    return ""


def command(root: Path, *words: str) -> list[str]:
    """The command that runs these words in the folder, with the processes and devices of the machine."""
    mounts = f"mount -t proc proc {root}/proc && mount --rbind /dev {root}/dev && mount -t tmpfs none {root}/tmp"
    return ["unshare", "-m", "sh", "-c", f'{mounts} && exec chroot {root} "$@"', "sh", *words]


def _unpack(root: Path, source: str) -> None:
    apt = root / "apt"
    for name in _APT:
        (apt / name).mkdir(parents=True)
    (apt / "var/lib/dpkg").mkdir()
    # With no package installed every one that is needed is downloaded, the C library too.
    (apt / "var/lib/dpkg/status").touch()
    (apt / "etc/apt/sources.list").write_text(_SOURCE.format(uri=source, suite=SUITE))
    _settings(apt / "etc/apt/apt.conf.d")
    options = [f"-oDir={apt}", f"-oDir::State::status={apt}/var/lib/dpkg/status", "-oAPT::Sandbox::User=root"]
    run(["apt-get", *options, "-qq", "update"])
    run(["apt-get", *options, "-qq", "-y", "--no-install-recommends", "--download-only", "install", *PACKAGES])
    for package in sorted((apt / "var/cache/apt/archives").glob("*.deb")):
        run(["dpkg", "-x", str(package), str(root)])
    shutil.rmtree(apt)
    _furnish(root)


def _settings(there: Path) -> None:
    """The machine's own settings of apt, such as a proxy."""
    for file in Path("/etc/apt/apt.conf.d").glob("*"):
        shutil.copy(file, there)


def _furnish(root: Path) -> None:
    """What the packages' scripts would have made: links of the merged `/usr`, users, empty folders."""
    for name in ("bin", "sbin", "lib", "lib64"):
        if not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    for name in ("etc", "proc", "dev", "tmp", "run"):
        (root / name).mkdir(exist_ok=True)
    for name, content in _USERS.items():
        (root / "etc" / name).write_text(content)


def _source() -> str:
    """Where this machine has Debian's packages from; empty where it has none."""
    if shutil.which("apt-get") is None:
        return ""
    wanted = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    said = subprocess.run(wanted, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^\S+/debian/?$", said, re.M)
    return found[0] if found else ""
