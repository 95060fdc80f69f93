"""A display: true, `vnc`, `spice`, or an object with a `type`; with it come video, and the channel that it needs."""

from __future__ import annotations

from typing import Annotated, Any

from webhook.declare import Scalar, shown
from webhook.declare.scalars import listed
from webhook.features.contribution import Contribution, Declined, one
from webhook.features.platform import Platform
from webhook.trees import Tree

ALSO = ("display", "spice", "vga", "video", "vnc")
_TYPES = ("vnc", "spice")
_CHANNEL: Tree = {"name": "spice", "type": "spicevmc", "target": {"type": "virtio", "name": "com.redhat.spice.0"}}


def _check(value: Any) -> str | None:
    """True, false, a type, or an object that holds one; a structural schema cannot say so."""
    if type(value) is bool:
        return None
    kind = value["type"] if type(value) is dict and set(value) == {"type"} else value
    if type(kind) is str and kind in _TYPES:
        return None
    return f"`{shown(value)}` is none of `true`, `false`, {listed(_TYPES)}, nor an object with such a `type`"


Wanted = Annotated[bool | str | Tree, Scalar({"x-kubernetes-preserve-unknown-fields": True}, _check)]
DECLINED: Declined = {"graphics": ({},)}


def expand(wanted: bool | str | Tree | None, platform: Platform, origin: str) -> list[Contribution]:
    """The display with video, audio backend and channel; or the entries that there is none."""
    stated = (platform.devices("graphics") or [{}])[0] if wanted is not False else {}
    if not wanted and not stated:
        return [Contribution(origin, {}, _headless(platform), platform.guest.because)]
    kind = wanted["type"] if isinstance(wanted, dict) else wanted if isinstance(wanted, str) else None
    display = kind or stated.get("type") or platform.site.graphics or platform.machine.defaults["display"]
    default = _companions(display, platform)
    if not wanted:
        return [Contribution(origin, {}, {"devices": default}, platform.guest.because)]
    name = stated.get("name", "graphics")
    default["graphics"] = [{"name": name, "type": display}]
    if display == "spice":
        default["channels"] = [_CHANNEL]
    asked = {"name": name, "type": kind} if kind else {"name": name}
    return [Contribution(origin, one("graphics", asked), {"devices": default}, platform.guest.because)]


def _headless(platform: Platform) -> Tree:
    """No display: no video either, unless the domain states one, and no audio backend."""
    video = _video("none", platform) if platform.devices("video") else [{"name": "no-video", "type": "none"}]
    return {"devices": {"video": video, "audios": [_audio("none")]}}


def _companions(kind: str, platform: Platform) -> Tree:
    """The devices that belong to a display of this type."""
    return {"video": _video(kind, platform), "audios": [_audio("spice" if kind == "spice" else "none")]}


def _audio(kind: str) -> Tree:
    """The audio backend, which libvirt would add by itself. Named by its type: it is removed with the display."""
    return {"name": kind, "id": 1, "type": kind}


def _video(kind: str, platform: Platform) -> list[Tree]:
    """The first video device: the one that the domain states, else the guest's or the machine's for this display."""
    stated = platform.devices("video")
    if stated:
        first = stated[0]
        model, name = first.get("type"), first.get("name", "video")
    else:
        model, name = platform.guest.video.get(kind), "video"
    model = model or platform.machine.defaults["video"][platform.firmware]
    if model == "none":
        return [{"name": name, "type": "none"}]
    return [{"name": name, "type": model, "primary": True}]
