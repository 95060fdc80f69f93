"""Displays: which adapters go together, and what needs SPICE."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.consistency.rule import devices, path_of, rule
from webhook.declare import shown
from webhook.findings import Finding
from webhook.trees import Tree

# QEMU has these as the first display alone (libvirt: src/qemu/qemu_validate.c).
_FIRST_ONLY = frozenset({"vga", "cirrus", "bochs", "ramfb"})
_SPICE_NAMES = "com.redhat.spice."


@rule
def video_devices_go_together(domain: Tree, path: str) -> Iterator[Finding]:
    """One display is the first, some can be nothing else, and `none` stands alone (libvirt: qemu_validate.c)."""
    video = domain.get("devices", {}).get("video", ())
    primary = [index for index, device in enumerate(video) if device.get("primary") is True]
    first = primary[0] if primary else 0
    for index in primary[1:]:
        where = f"{path}.devices.video[{index}].primary"
        yield Finding(where, f"is said of `{path}.devices.video[{first}]` too", "remove it", "video")
    for index, device in enumerate(video) if len(video) > 1 else ():
        kind = device.get("type")
        where = f"{path}.devices.video[{index}].type"
        if kind == "none":
            yield Finding(where, "`none` stands beside other displays", "leave it alone, or remove it", "video")
        elif index != first and kind in _FIRST_ONLY:
            problem = f"`{kind}` can only be the first display"
            yield Finding(where, problem, "name `virtio` or `qxl`, or remove the device", "video")


@rule
def shown_devices_have_a_display(domain: Tree, path: str) -> Iterator[Finding]:
    """A mediated device that draws needs where to show it (libvirt: src/qemu/qemu_validate.c)."""
    lists = domain.get("devices", {})
    for index, device in enumerate(lists.get("hostdevs", ())):
        if device.get("display") is True and not lists.get("graphics"):
            where = f"{path}.devices.hostdevs[{index}].display"
            way = "say `graphics: true` in `spec.features`, or remove it"
            yield Finding(where, "needs a display, and there is none", way, "video")


@rule
def what_is_the_viewers_has_spice(domain: Tree, path: str) -> Iterator[Finding]:
    """USB redirection, smartcards and channels of SPICE need its display (libvirt: src/qemu/qemu_validate.c)."""
    if any(display.get("type") == "spice" for display in domain.get("devices", {}).get("graphics", ())):
        return
    for kind, index, device in devices(domain):
        if device.get("type") == "spicevmc" or (kind == "channels" and _is_spices(device)):
            problem = "is the viewer's end of SPICE, and there is no such display"
            way = "say `graphics: spice` in `spec.features`, or remove the device"
            yield Finding(f"{path}{path_of(kind, index)}", problem, way, "spice")


@rule
def sound_goes_to_what_there_is(domain: Tree, path: str) -> Iterator[Finding]:
    """Sound goes to an audio backend that is stated, and to SPICE with its display (libvirt: qemu_validate.c)."""
    lists = domain.get("devices", {})
    audios = lists.get("audios", ())
    # libvirt makes the first one where none is stated.
    there = {audio.get("id") for audio in audios} or {1}
    for listed in ("sounds", "graphics"):
        for index, device in enumerate(lists.get(listed, ())):
            if device.get("audio") is not None and device["audio"] not in there:
                problem = f"is {device['audio']}, and there is no such audio backend"
                known = ", ".join(f"`{number}`" for number in sorted(there - {None}))
                way = f"remove it, or name {known}" if known else "remove it"
                yield Finding(f"{path}.devices.{listed}[{index}].audio", problem, way, "audio")
    spice = any(display.get("type") == "spice" for display in lists.get("graphics", ()))
    for index, audio in enumerate(audios):
        if audio.get("type") == "spice" and not spice:
            way = "say `graphics: spice` in `spec.features`, or name `none`"
            yield Finding(f"{path}.devices.audios[{index}].type", "`spice` has no display of SPICE's", way, "audio")


def _is_spices(channel: Tree) -> bool:
    """Whether the convention gives a channel SPICE's end, by its name."""
    return "type" not in channel and shown(channel.get("target", {}).get("name", "")).startswith(_SPICE_NAMES)
