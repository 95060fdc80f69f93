"""Firmware of the isolated form: `firmware`, `secureBoot` and `enrolledKeys` as the images that Debian installs.

libvirt's own choice (`<os firmware='efi'>`) changes with the host's descriptors and turns secure boot on by itself
(seen on libvirt 9.0), so loader and NVRAM template are named and the attribute is not written.
"""

from __future__ import annotations

from webhook.domain.convention import has_content
from webhook.libvirt.place import Tree

# Debian's packages ovmf and qemu-efi-aarch64; by secure boot, and by whether Microsoft's keys are enrolled.
_CODE = {
    "x86_64": {False: "/usr/share/OVMF/OVMF_CODE_4M.fd", True: "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"},
    "aarch64": {False: "/usr/share/AAVMF/AAVMF_CODE.fd"},
}
_VARS = {
    "x86_64": {False: "/usr/share/OVMF/OVMF_VARS_4M.fd", True: "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"},
    "aarch64": {False: "/usr/share/AAVMF/AAVMF_VARS.fd"},
}
_CHOICE = ("firmware", "secureBoot", "enrolledKeys")


def provide_firmware(os: Tree) -> Tree:
    """The `os` element with loader and NVRAM; unsaid: no secure boot, and keys where there is secure boot.

    BIOS is QEMU's own choice on x86_64 where no loader is named, so there is nothing to write for it.
    Other architectures, and images that the tree itself names, are left as they are.
    """
    if not _ours(os):
        return os
    rest = {name: value for name, value in os.items() if name not in _CHOICE}
    if os.get("firmware") != "efi":
        return rest if _arch(os) == "x86_64" else os
    secure: bool = os.get("secureBoot", False)
    keys: bool = os.get("enrolledKeys", secure)
    arch = _arch(os)
    if secure not in _CODE[arch] or keys not in _VARS[arch]:
        return os
    return {
        **rest,
        "loader": {"path": _CODE[arch][secure], "type": "pflash", "readonly": True, "secure": secure},
        "nvram": {**os.get("nvram", {}), "template": _VARS[arch][keys]},
    }


def withdraw_firmware(os: Tree) -> Tree:
    """The `os` element with its firmware in the API's words; all of them, also those that were decided here."""
    secure = _said(os.get("loader", {}).get("path"), _CODE)
    keys = _said(os.get("nvram", {}).get("template"), _VARS)
    if secure is None or keys is None:
        return {**os, "firmware": "bios"} if _ours(os) and _arch(os) == "x86_64" and "firmware" not in os else os
    nvram = {name: value for name, value in os["nvram"].items() if name != "template"}
    rest = {name: value for name, value in os.items() if name not in ("loader", "nvram")}
    return {
        **rest,
        **({"nvram": nvram} if nvram else {}),
        "firmware": "efi",
        "secureBoot": secure,
        "enrolledKeys": keys,
    }


def _ours(os: Tree) -> bool:
    named = has_content(os.get("loader")) or "template" in os.get("nvram", {})
    return _arch(os) in _CODE and not named


def _arch(os: Tree) -> str:
    return str(os.get("type", {}).get("arch", ""))


def _said(path: object, images: dict[str, dict[bool, str]]) -> bool | None:
    """Which of any architecture's images a path is."""
    return next((which for known in images.values() for which, image in known.items() if image == path), None)
