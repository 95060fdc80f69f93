"""Firmware of the isolated form: `firmware`, `secureBoot` and `enrolledKeys` as the images that Debian installs.

libvirt's own choice (`<os firmware='efi'>`) depends on the host's descriptors and turns secure boot on by itself
(seen on libvirt 9.0), so loader and NVRAM template are named and the attribute is not written.
"""

from __future__ import annotations

from collections.abc import Iterable

from webhook.domain.convention import has_content
from webhook.trees import Tree

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
    """The `os` element with loader and NVRAM. Defaults: no secure boot, and enrolled keys where there is secure boot.

    BIOS is QEMU's default on x86_64 without a loader, so nothing is written for it. Other architectures, and images
    that the tree itself names, are left as they are.
    """
    if not _is_conventional(os):
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


def host_firmware(os: Tree, images: Iterable[Tree]) -> Tree | None:
    """The `os` element with the host's loader and template of what it asks for; None where none of the images is that.

    BIOS, and images that the tree itself names, are left as they are.
    """
    if not _is_conventional(os) or os.get("firmware") != "efi":
        return os
    secure: bool = os.get("secureBoot", False)
    asked = (_arch(os), secure, os.get("enrolledKeys", secure))
    fitting = (
        image
        for image in images
        if (image["arch"], image.get("secureBoot", False), image.get("enrolledKeys", False)) == asked
    )
    image = next(fitting, None)
    if image is None:
        return None
    form = {"format": image["format"]} if image.get("format", "raw") != "raw" else {}
    template = {"templateFormat": image["format"], **form} if form else {}
    return {
        **{name: value for name, value in os.items() if name not in _CHOICE},
        "loader": {"path": image["loader"], "type": "pflash", "readonly": True, "secure": secure, **form},
        "nvram": {**os.get("nvram", {}), "template": image["template"], **template},
    }


def withdraw_firmware(os: Tree) -> Tree:
    """The `os` element with its firmware in the API's fields, the defaults too."""
    secure = _key_of(os.get("loader", {}).get("path"), _CODE)
    keys = _key_of(os.get("nvram", {}).get("template"), _VARS)
    if secure is None or keys is None:
        return (
            {**os, "firmware": "bios"}
            if _is_conventional(os) and _arch(os) == "x86_64" and "firmware" not in os
            else os
        )
    nvram = {name: value for name, value in os["nvram"].items() if name != "template"}
    rest = {name: value for name, value in os.items() if name not in ("loader", "nvram")}
    return {
        **rest,
        **({"nvram": nvram} if nvram else {}),
        "firmware": "efi",
        "secureBoot": secure,
        "enrolledKeys": keys,
    }


def _is_conventional(os: Tree) -> bool:
    named = has_content(os.get("loader")) or "template" in os.get("nvram", {})
    return _arch(os) in _CODE and not named


def _arch(os: Tree) -> str:
    return str(os.get("type", {}).get("arch", ""))


def _key_of(path: object, images: dict[str, dict[bool, str]]) -> bool | None:
    """The key of the image with this path, of any architecture."""
    return next((which for known in images.values() for which, image in known.items() if image == path), None)
