"""What the oracle needs of the machine: libvirt, QEMU and their firmware as Debian packages, and Python's binding."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

from tests.packages import need, run

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
    need(PACKAGES)
    if os.geteuid() == 0 and subprocess.run(["id", USER], check=False, capture_output=True).returncode != 0:
        run(["useradd", "-r", USER])
    if importlib.util.find_spec("libvirt") is None:
        version = subprocess.run(
            ["pkg-config", "--modversion", "libvirt"], check=True, capture_output=True, text=True
        ).stdout.strip()
        run([sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"libvirt-python=={version}"])
        importlib.invalidate_caches()
