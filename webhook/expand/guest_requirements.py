"""The requirements that a guest's installer checks: whether a new machine meets them, or is far from it."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.declare import kib
from webhook.findings import Finding
from webhook.guests import Guest
from webhook.trees import Tree

_HELP = "leave it out, or name another guest in `spec.features.system`"
# How many times less than its minimum is too little for any guest of the kind.
_FAR = 4


def unmet_requirements(domain: Tree, guest: Guest, path: str) -> list[Finding]:
    """What the installer would refuse: firmware, TPM, memory, vCPUs. Empty where it checks nothing (not `strict`)."""
    return list(_unmet(domain, guest, path)) if guest.strict else []


def far_too_small(domain: Tree, guest: Guest, path: str) -> Iterator[Finding]:
    """A warning where no such guest starts, as of a number that was meant in GiB.

    The minima are the installers' (osinfo-db); what is installed runs with less of it, though not with a quarter.
    """
    size = kib(domain.get("memory", {}).get("size"))
    if size is not None and size * _FAR < guest.minimum.memory * 1024:
        problem = f"is {max(1, size // 1024)} MiB, and {guest.title} wants {guest.minimum.memory}"
        way = "a whole number is MiB: write `4Gi` or `4096` for 4 GiB"
        yield Finding(f"{path}.memory.size", problem, way, "guest")


def _unmet(domain: Tree, guest: Guest, path: str) -> Iterator[Finding]:
    if domain.get("os", {}).get("firmware") != guest.firmware:
        yield _finding(f"{path}.os.firmware", f"{guest.title} needs UEFI: name a q35 machine and no other firmware")
    tpm = domain.get("devices", {}).get("tpm", {})
    if guest.tpm and tpm.get("version") != "2.0" and tpm.get("backend", "emulator") == "emulator":
        yield _finding(f"{path}.devices.tpm", f"{guest.title} needs a TPM 2.0")
    size, least = kib(domain.get("memory", {}).get("size")), guest.minimum.memory
    if size is not None and size < least * 1024:
        yield _finding(f"{path}.memory.size", f"{guest.title} needs {least} MiB, there are {size // 1024}")
    cpus = domain.get("vcpu", {}).get("current") or domain.get("vcpu", {}).get("count") or 0
    if cpus < guest.minimum.cpus:
        yield _finding(f"{path}.vcpu.current", f"{guest.title} needs {guest.minimum.cpus} vCPUs, there are {cpus}")


def _finding(place: str, problem: str) -> Finding:
    return Finding(place, problem, _HELP, "guest")
