"""Firmware of the isolated form: `firmware`, `secureBoot` and `enrolledKeys` as the images that Debian's ovmf installs.

libvirt's own choice (`<os firmware='efi'>`) changes with the host's descriptors and turns secure boot on by itself
(seen on libvirt 9.0), so loader and NVRAM template are named and the attribute is not written.
"""

from __future__ import annotations

from webhook.libvirt.place import Tree

# Debian's package ovmf; by secure boot, and by whether Microsoft's keys are enrolled.
_CODE = {False: "/usr/share/OVMF/OVMF_CODE_4M.fd", True: "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"}
_VARS = {False: "/usr/share/OVMF/OVMF_VARS_4M.fd", True: "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"}
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
        return rest
    secure: bool = os.get("secureBoot", False)
    keys: bool = os.get("enrolledKeys", secure)
    return {
        **rest,
        "loader": {"path": _CODE[secure], "type": "pflash", "readonly": True, "secure": secure},
        "nvram": {**os.get("nvram", {}), "template": _VARS[keys]},
    }


def withdraw_firmware(os: Tree) -> Tree:
    """The `os` element with its firmware in the API's words; all of them, also those that were decided here."""
    secure = _said(os.get("loader", {}).get("path"), _CODE)
    keys = _said(os.get("nvram", {}).get("template"), _VARS)
    if secure is None or keys is None:
        return {**os, "firmware": "bios"} if _ours(os) and "firmware" not in os else os
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
    named = os.get("loader") or "template" in os.get("nvram", {})
    return os.get("type", {}).get("arch") == "x86_64" and not named


def _said(path: object, images: dict[bool, str]) -> bool | None:
    return next((which for which, image in images.items() if image == path), None)
