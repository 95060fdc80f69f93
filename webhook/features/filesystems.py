"""Folders that the guest mounts by a tag, each the content of a PersistentVolumeClaim, by virtiofs.

A folder without a name is named after its claim when it is made; the claim may change later, the tag is the guest's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from webhook.declare import Element, frontend, reference, text
from webhook.domain.names import names_of
from webhook.domain.types import DeviceName, ObjectName
from webhook.features.contribution import Contribution, one, repeated
from webhook.features.platform import Platform
from webhook.findings import Finding, Refused
from webhook.trees import Tree

ALSO = ("fs", "shares", "virtiofs")
# virtiofs has 36 bytes for it (virtio 1.2, 5.11.4).
_TAG = text(36, "[A-Za-z0-9_][A-Za-z0-9._-]*", "a tag of up to 36 letters, digits, `_`, `-`, `.`")


_WAY = "name the PersistentVolumeClaim whose content the guest shall mount"


class Folder(Element):
    """A folder; `claim` names the PersistentVolumeClaim with its content, `tag` what the guest mounts."""

    also: ClassVar[Mapping[str, str]] = {"pvc": "claim", "source": "claim"}

    name: DeviceName | None = frontend(
        "-", doc="What it is known by (lower-case letters, digits, `-`); else one is made."
    )
    claim: ObjectName | None = reference(
        "PersistentVolumeClaim", "-", doc="What holds its content, by its name like `web-root`."
    )
    # Behind `tag` alone is the element's own in XML.
    tag_: Annotated[str, _TAG] | None = frontend("-", doc="What the guest mounts; the claim's name where unsaid.")


Wanted = list[Folder]


def expand(wanted: list[Folder] | None, platform: Platform, origin: str) -> list[Contribution]:
    """One contribution a folder. Raises Refused for a repeated name or tag, and for a claim that is no tag."""
    if not wanted:
        return []
    findings = [*_repeated(wanted, origin), *_too_long(wanted, origin)]
    if findings:
        raise Refused(findings)
    names = names_of((folder.name, _base(folder)) for folder in wanted)
    return [
        Contribution(
            f"{origin}[{index}]",
            one("filesystems", _asked(folder, name)),
            one("filesystems", {"name": name, "target": folder.tag_ or folder.claim or name}),
            platform.guest.because,
            "" if folder.name else _base(folder),
            None if folder.claim else Finding(f"{origin}[{index}].claim", "is missing", _WAY, "filesystems"),
        )
        for index, (folder, name) in enumerate(zip(wanted, names, strict=True))
    ]


def _base(folder: Folder) -> str:
    return folder.claim or "filesystem"


def _asked(folder: Folder, name: str) -> Tree:
    device: Tree = {"name": name}
    if folder.claim:
        device["claim"] = folder.claim
    if folder.tag_:
        device["target"] = folder.tag_
    return device


def _repeated(folders: list[Folder], origin: str) -> list[Finding]:
    fields = (
        (index, *own)
        for index, folder in enumerate(folders)
        for own in (("name", folder.name), ("tag", folder.tag_ or folder.claim))
    )
    return repeated(fields, origin, "folder", "filesystems")


def _too_long(folders: list[Folder], origin: str) -> list[Finding]:
    """Claims whose name is no tag."""
    return [
        Finding(f"{origin}[{index}].tag", "is not said, and the claim's name is no tag", "say one", "filesystems")
        for index, folder in enumerate(folders)
        if folder.claim and not folder.tag_ and _TAG.check(folder.claim)
    ]
