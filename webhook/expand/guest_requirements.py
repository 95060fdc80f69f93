"""Whether a new machine is one that the guest can be installed on, for guests whose makers are strict about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from webhook.declare import kib
from webhook.findings import Finding
from webhook.guests import Guest

Tree = dict[str, Any]

_WAY = "leave it out, or name another guest in `spec.features.system`"


def suits(domain: Tree, guest: Guest, path: str) -> list[Finding]:
    """What the guest's installer would refuse: firmware, TPM, memory, vCPUs; nothing for guests that are not strict."""
    return list(_misfits(domain, guest, path)) if guest.strict else []


def _misfits(domain: Tree, guest: Guest, path: str) -> Iterator[Finding]:
    if domain.get("os", {}).get("firmware") != guest.firmware:
        yield _misfit(f"{path}.os.firmware", f"{guest.title} needs UEFI: name a q35 machine and no other firmware")
    tpm = domain.get("devices", {}).get("tpm", {})
    if guest.tpm and tpm.get("version") != "2.0" and tpm.get("backend", "emulator") == "emulator":
        yield _misfit(f"{path}.devices.tpm", f"{guest.title} needs a TPM 2.0")
    size, least = kib(domain.get("memory", {}).get("size")), guest.minimum.memory
    if size is not None and size < least * 1024:
        yield _misfit(f"{path}.memory.size", f"{guest.title} needs {least} MiB, there are {size // 1024}")
    cpus = domain.get("vcpu", {}).get("current") or domain.get("vcpu", {}).get("count") or 0
    if cpus < guest.minimum.cpus:
        yield _misfit(f"{path}.vcpu.current", f"{guest.title} needs {guest.minimum.cpus} vCPUs, there are {cpus}")


def _misfit(place: str, problem: str) -> Finding:
    return Finding(place, problem, _WAY, "guest")
