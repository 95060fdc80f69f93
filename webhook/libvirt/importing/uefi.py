"""Which firmware a dump means, in every form in which people say it: by choice, or by an image of some distribution.

A flash image of these machines is UEFI, whatever its path; an image that is loaded as a ROM is told by its name. Secure
boot is what `loader/@secure` says. The firmware's variables and a TPM's state are files of the host: that they stay
there is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from webhook.declare import shown
from webhook.findings import Finding
from webhook.libvirt.importing.losses import Losses
from webhook.trees import Tree

_UEFI = re.compile("ovmf|edk2|aavmf|qemu_efi|uefi|armvirt", re.IGNORECASE)
_BIOS = re.compile("bios", re.IGNORECASE)
# What may stand in place of a loader, by architecture (`os.firmware` of webhook/consistency/possible.yaml).
_WAYS = {
    "x86_64": "write `<os firmware='efi'>` or `<os firmware='bios'>` instead of the loader",
    "aarch64": "write `<os firmware='efi'>` instead of the loader",
    "riscv64": "write `<os firmware='efi'>` instead of the loader, or leave both out: QEMU has its own then",
}
_NONE = "leave it out: QEMU has firmware of its own for this machine"
# Templates of variables in which Microsoft's keys are enrolled, as distributions call them.
_KEYS = re.compile(r"\.ms[.-]|-ms[.-]|_ms[._]|secboot|secure|enrolled|snakeoil", re.IGNORECASE)


def firmware_of(domain: Tree, unsaid: Tree, losses: Losses) -> Iterator[Finding]:
    """Replace loader and NVRAM by the API's fields, in place. `unsaid` is what `firmware='efi'` alone means here."""
    os = domain.setdefault("os", {})
    loader, nvram, arch = os.pop("loader", {}), os.pop("nvram", {}), os.get("type", {}).get("arch", "x86_64")
    if loader.get("path"):
        os["firmware"] = _kind(loader, arch)
    if os.get("firmware") == "":
        problem = f"is firmware of the host, `{shown(loader['path'])}`, and the XML does not say of which kind"
        yield Finding("os.loader", problem, _WAYS.get(arch, _NONE), "import")
    elif os.get("firmware") == "efi":
        _secure(domain, os, loader, nvram, unsaid)
        _tell(loader, nvram, losses)
    elif loader.get("path"):
        losses.of_host("os.loader")


def _kind(loader: Tree, arch: str) -> str:
    """`efi` or `bios`; empty where the image does not tell, or is another architecture's own firmware."""
    name = loader["path"].rpartition("/")[2]
    if arch in _WAYS and (_UEFI.search(loader["path"]) or (loader.get("type") == "pflash" and not _BIOS.search(name))):
        return "efi"
    return "bios" if arch == "x86_64" and _BIOS.search(loader["path"]) else ""


def _secure(domain: Tree, os: Tree, loader: Tree, nvram: Tree, unsaid: Tree) -> None:
    if "secureBoot" not in os:
        chosen = loader.get("path") or "secure" in loader or "enrolledKeys" in os
        os["secureBoot"] = bool(loader.get("secure")) if chosen else unsaid.get("secureBoot", False)
    if "enrolledKeys" not in os:
        template = nvram.get("template")
        os["enrolledKeys"] = bool(_KEYS.search(template.rpartition("/")[2])) if template else os["secureBoot"]
    features = domain.setdefault("features", [])
    if os["secureBoot"] and not any(each.get("feature") == "smm" for each in features):
        # libvirt turns it on by itself with a firmware that needs it.
        features.append({"feature": "smm", "state": True})
    if not features:
        del domain["features"]


def _tell(loader: Tree, nvram: Tree, losses: Losses) -> None:
    """What becomes of the variables: they are the host's, or there are none that stay."""
    if loader.get("stateless"):
        losses.of_guest("os.loader.stateless", "is firmware that forgets its variables, and here they would stay")
    elif loader.get("path") and (loader.get("type") != "pflash" or loader.get("readonly") is False):
        losses.tell("os.loader", "holds code and variables in one image: the VM starts with new variables")
    elif nvram.get("path") or nvram.get("source"):
        problem = "holds the firmware's variables (boot entries, enrolled keys): the VM starts with new ones"
        losses.tell("os.nvram", problem)


def tell_tpm(devices: Tree, losses: Losses) -> None:
    """Say that an emulated TPM starts anew."""
    tpm = devices.get("tpm")
    if tpm and tpm.get("backend", "emulator") != "passthrough":
        losses.tell("devices.tpm", "starts without its state: what was sealed by it needs its recovery key")
