"""Debian packages that tests need, by what needs them.

`make test` installs them before pytest starts, where root may; elsewhere the tests that need them are skipped and say
so.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

# libvirt: its schema, the driver and its tools; QEMU for each machine of the rule sets; firmware, TPM; what the
# Python binding is built with. clock: a process that believes in another time. osinfo: what is known of guests.
# shells: beside bash, those that completion is for.
PACKAGES = {
    "libvirt": (
        "libvirt0", "libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-clients", "libvirt-dev", "pkg-config",
        "gcc", "python3-dev", "qemu-system-x86", "qemu-system-arm", "qemu-system-misc", "qemu-system-ppc", "qemu-utils",
        "ovmf", "seabios", "qemu-efi-aarch64", "swtpm", "swtpm-tools",
    ),
    "clock": ("libfaketime",),
    "osinfo": ("osinfo-db",),
    "shells": ("zsh", "fish"),
}  # fmt: skip
# libvirt's QEMU driver does not start without the user that QEMU would run as.
USER = "libvirt-qemu"


def need(what: str) -> None:
    """Skip the test where what it needs is not on this machine."""
    missing = lacking(what)
    if missing:
        pytest.skip(f"needs {' '.join(missing)}: run `make prepare` as root on Debian")


def lacking(what: str) -> list[str]:
    """What is not installed: Debian packages, and for libvirt also Python's binding and the user of QEMU."""
    missing = [name for name in PACKAGES[what] if not _installed(name)]
    if what == "libvirt":
        if subprocess.run(["id", USER], check=False, capture_output=True).returncode != 0:
            missing.append(f"the user {USER}")
        if importlib.util.find_spec("libvirt") is None:
            missing.append("the Python module libvirt")
    return missing


def install() -> list[str]:
    """Install what is missing; returns what still is, where it cannot be installed. RuntimeError where a step fails."""
    if os.geteuid() == 0 and shutil.which("apt-get") is not None:
        _packages([name for names in PACKAGES.values() for name in names if not _installed(name)])
        _user()
    _binding()
    return [name for what in PACKAGES for name in lacking(what)]


def _packages(missing: list[str]) -> None:
    if not missing:
        return
    print(f"installing {len(missing)} Debian packages: {' '.join(missing)}", file=sys.stderr, flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], quiet)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], quiet)


def _user() -> None:
    if subprocess.run(["id", USER], check=False, capture_output=True).returncode != 0:
        run(["useradd", "-r", USER])


def _binding() -> None:
    """Python's binding, of the version of the library that is here."""
    if importlib.util.find_spec("libvirt") is not None or not _installed("libvirt-dev"):
        return
    asked = ["pkg-config", "--modversion", "libvirt"]
    version = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    run([sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"libvirt-python=={version}"])
    importlib.invalidate_caches()


def run(command: list[str], environment: dict[str, str] | None = None) -> None:
    """One step of an installation; RuntimeError with its words where it fails."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"`{' '.join(command)}` failed: {done.stderr[-2000:]}")


def _installed(package: str) -> bool:
    said = (
        subprocess.run(["dpkg-query", "-W", "-f", "${Status}", package], check=False, capture_output=True, text=True)
        if shutil.which("dpkg-query")
        else None
    )
    return said is not None and said.stdout.endswith("ok installed")
