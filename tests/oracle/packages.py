"""What the oracle needs of the machine: libvirt, QEMU and their firmware as Debian packages, and Python's binding."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

# The schema, the driver and its tools; QEMU for each machine of the rule sets; firmware, TPM; what the binding needs.
PACKAGES = (
    "libvirt0", "libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-clients", "libvirt-dev", "pkg-config", "gcc",
    "python3-dev", "qemu-system-x86", "qemu-system-arm", "qemu-system-misc", "qemu-system-ppc", "qemu-utils", "ovmf",
    "seabios", "qemu-efi-aarch64", "swtpm", "swtpm-tools",
)  # fmt: skip
# libvirt's QEMU driver does not start without the user that QEMU would run as.
USER = "libvirt-qemu"


def install() -> None:
    """Everything that is missing; where that cannot be installed, the test that needs it is skipped and says why."""
    missing = [name for name in PACKAGES if not _installed(name)]
    if missing:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            pytest.skip(f"needs the Debian packages {' '.join(missing)}, and only root on Debian can install them")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        _run(["apt-get", "update", "-qq"], quiet)
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], quiet)
    if os.geteuid() == 0 and subprocess.run(["id", USER], check=False, capture_output=True).returncode != 0:
        _run(["useradd", "-r", USER])
    if importlib.util.find_spec("libvirt") is None:
        version = subprocess.run(
            ["pkg-config", "--modversion", "libvirt"], check=True, capture_output=True, text=True
        ).stdout.strip()
        _run(
            [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"libvirt-python=={version}"]
        )
        importlib.invalidate_caches()


def _installed(package: str) -> bool:
    said = (
        subprocess.run(["dpkg-query", "-W", "-f", "${Status}", package], check=False, capture_output=True, text=True)
        if shutil.which("dpkg-query")
        else None
    )
    return said is not None and said.stdout.endswith("ok installed")


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        pytest.fail(f"`{' '.join(command)}` failed: {done.stderr[-2000:]}")
