"""Sound cards and where their sound goes (libvirt: formatdomain, "Sound devices", "Audio backends")."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import Backend, choice, frontend, goal, integer
from webhook.domain.devices.device import NAME, Named, PciDevice


class Sound(PciDevice, tag="sound", plural="sounds", alike=("model",)):
    """A sound card."""

    model: Annotated[str, choice("ich6", "ich7", "ich9", "ac97", "es1370", "sb16", "usb")] | None = frontend()
    audio: Annotated[int, integer(1, 64)] | None = goal("audio/@id")


class Audio(Named, tag="audio", plural="audios", alike=("id",)):
    """Where sound goes on the host; nothing but `none` and the display's own stays off the host."""

    # libvirt's audio backends are no devices and have no alias.
    name: Annotated[str, NAME] | None = frontend("-")
    id: Annotated[int, integer(1, 64)] | None = goal()
    type: (
        Annotated[
            str,
            choice(
                "none", "spice", "alsa", "coreaudio", "dbus", "jack", "oss", "pulseaudio", "sdl", "file", "pipewire",
            ),
        ]
        | None
    ) = goal(
        unless={
            **dict.fromkeys(("alsa", "coreaudio", "jack", "oss", "sdl"), Backend("raw-device")),
            **dict.fromkeys(("dbus", "pulseaudio", "pipewire"), Backend("host-port")),
            "file": Backend("host-path"),
        }
    )  # fmt: skip
