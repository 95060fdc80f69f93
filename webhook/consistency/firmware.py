"""Machine type, firmware and hypervisor features that need each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from webhook import machines
from webhook.consistency.completeness import incomplete
from webhook.consistency.rule import rule, warning
from webhook.declare import shown
from webhook.findings import Finding
from webhook.trees import Tree


@rule
def machine_is_versioned(domain: Tree, path: str) -> Iterator[Finding]:
    """An alias like `q35` stands for another machine after an upgrade of QEMU."""
    kind = domain.get("os", {}).get("type", {})
    name, arch = kind.get("machine"), kind.get("arch")
    if name and not machines.versioned(name) and not machines.unpinned(arch or "", name):
        problem = f"`{shown(name)}` is an alias, another machine after each upgrade of QEMU"
        yield Finding(f"{path}.os.type.machine", problem, "name a versioned machine type like `pc-q35-7.2`", "machine")
    elif not name or not arch:
        yield incomplete(f"{path}.os.type")


# The minor versions of QEMU by its major one; from 4 on there are three a year (qemu.org/download, "release archive").
_MINORS = {0: range(10, 16), 1: range(8), 2: range(13), 3: range(2), **dict.fromkeys(range(4, 14), range(3))}
_UPSTREAM = re.compile("-([0-9]+)\\.([0-9]+)$")


@rule
def machine_version_exists(domain: Tree, path: str) -> Iterator[Finding]:
    """A machine of a version that QEMU has never had starts on no node."""
    name = domain.get("os", {}).get("type", {}).get("machine") or ""
    version = _UPSTREAM.search(name)
    if version and int(version[2]) not in _MINORS.get(int(version[1]), ()):
        problem = f"`{shown(name)}` is of a version that QEMU does not have"
        way = "name one that the nodes' QEMU lists (`-machine help`), or the family alone, such as `q35`, at create"
        yield Finding(f"{path}.os.type.machine", problem, way, "machine")


@rule
def secure_boot_is_possible(domain: Tree, path: str) -> Iterator[Finding]:
    """OVMF's secure boot needs UEFI, q35 and SMM (libvirt: formatdomain, "BIOS bootloader")."""
    os = domain.get("os", {})
    if not os.get("secureBoot"):
        return
    where, rule_name = f"{path}.os.secureBoot", "secure-boot"
    if os.get("firmware") != "efi":
        yield Finding(where, "needs UEFI, the firmware is not `efi`", "state `firmware: efi`", rule_name)
    if "q35" not in os.get("type", {}).get("machine", ""):
        problem = f"needs a q35 machine, not `{shown(os.get('type', {}).get('machine'))}`"
        yield Finding(where, problem, "state a q35 machine, or no secure boot", rule_name)
    features = {entry.get("feature"): entry for entry in domain.get("features", ())}
    if features.get("smm", {}).get("state") is not True:
        way = "add `{feature: smm, state: true}` to `features` of the domain"
        yield Finding(where, "needs system management mode (SMM)", way, rule_name)


# Memory encryption that the guest's firmware has to know of (libvirt: formatdomain, "Launch Security").
_ENCRYPTED = ("sev", "sev-snp", "tdx")


@rule
def encrypted_guests_have_uefi(domain: Tree, path: str) -> Iterator[Finding]:
    """SEV and TDX need OVMF: SeaBIOS does not start under them (QEMU: docs/system/i386/amd-memory-encryption)."""
    kind, os = domain.get("launchSecurity", {}).get("type"), domain.get("os", {})
    if kind in _ENCRYPTED and os.get("firmware") != "efi" and not os.get("loader"):
        problem = f"`{kind}` needs UEFI, the firmware is `{shown(os.get('firmware') or 'bios')}`"
        way = "state `firmware: efi` in `spec.features.system`, or remove it"
        yield Finding(f"{path}.launchSecurity.type", problem, way, "firmware")


# Microsoft's Hyper-V TLFS: what an enlightenment needs (QEMU: docs/system/i386/hyperv).
_HYPERV_NEEDS = {
    "stimer": ("synic",),
    "synic": ("vpindex",),
    "ipi": ("vpindex",),
    "tlbflush": ("vpindex",),
    "evmcs": ("vapic",),
}


@rule
def hyperv_has_its_dependencies(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU refuses an enlightenment without those that it depends on."""
    for index, entry in enumerate(domain.get("features", ())):
        if entry.get("feature") != "hyperv":
            continue
        for name, needs in _HYPERV_NEEDS.items():
            for needed in needs:
                if _on(entry.get(name)) and not _on(entry.get(needed)):
                    problem = f"needs `{needed}`, which is not on"
                    yield Finding(f"{path}.features[{index}].{name}", problem, f"add `{needed}: true`", "hyperv")


def _on(value: Any) -> bool:
    return bool(value.get("state", True)) if isinstance(value, dict) else bool(value)


@warning
def machine_is_pinned(domain: Tree, path: str) -> Iterator[Finding]:
    """Some machines have no versioned type: what the guest sees follows the node's QEMU."""
    kind = domain.get("os", {}).get("type", {})
    if machines.unpinned(kind.get("arch", ""), kind.get("machine", "")):
        problem = f"`{shown(kind['machine'])}` of {kind['arch']} has no versions: a newer QEMU is another machine"
        yield Finding(f"{path}.os.type.machine", problem, "keep QEMU the same on all nodes", "machine")


@warning
def cpu_is_portable(domain: Tree, path: str) -> Iterator[Finding]:
    """A CPU mode that follows the host gives another CPU on another node."""
    mode = domain.get("cpu", {}).get("mode")
    if mode in ("host-model", "host-passthrough", "maximum"):
        problem = f"`{mode}` follows the node's CPU: on another node the guest sees another processor"
        # Under KVM an aarch64 guest has no other CPU.
        arm = domain.get("os", {}).get("type", {}).get("arch") == "aarch64"
        way = "keep the nodes' processors alike" if arm else "name a CPU model to keep it the same"
        yield Finding(f"{path}.cpu.mode", problem, way, "portable")
