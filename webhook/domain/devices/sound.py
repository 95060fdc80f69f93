"""Sound cards and audio backends (libvirt: formatdomain, "Sound devices", "Audio backends")."""

from typing import Annotated

from webhook.declare import Backend, Element, backend, choice, frontend, goal, integer
from webhook.domain.bus import NOWHERE, PCI, USB, Bus
from webhook.domain.convention import fixed
from webhook.domain.devices.device import NAME, Named, PciDevice, VirtioDriver
from webhook.domain.types import Flag, Line, Path, Positive, Word


class Codec(Element, tag="codec", key="type"):
    """A codec on an HDA card."""

    type: Annotated[str, choice("duplex", "micro", "output")] | None = frontend()


class Sound(
    PciDevice,
    tag="sound",
    plural="sounds",
    alike=("model",),
    buses=(
        Bus(USB, 3, when={"model": ("usb",)}),
        Bus(NOWHERE, when={"model": ("sb16", "pcspk")}),
        Bus(PCI, 30, ccw=True),
    ),
):
    """A sound card."""

    model: Annotated[str, choice("ich6", "ich7", "ich9", "ac97", "es1370", "sb16", "usb", "pcspk", "virtio")] | None = (
        frontend()
    )
    codecs: list[Codec] | None = frontend("codec")
    streams: Positive | None = frontend()
    multichannel: Flag | None = frontend()
    driver: VirtioDriver | None = frontend()
    audio: Annotated[int, integer(1, 64)] | None = goal("audio/@id")


class AudioSettings(Element, tag="settings"):
    """The form of sound that the host takes."""

    frequency: Word | None = backend("io-tuning")
    channels: Word | None = backend("io-tuning")
    format: Annotated[str, choice("s8", "u8", "s16", "u16", "s32", "u32", "f32")] | None = backend("io-tuning")


class AudioStream(Element):
    """One direction of an audio backend; which fields go together depends on the backend's type."""

    mixing_engine: Flag | None = backend("io-tuning", "@mixingEngine")
    fixed_settings: Flag | None = backend("io-tuning", "@fixedSettings")
    voices: Word | None = backend("io-tuning")
    buffer_length: Word | None = backend("io-tuning", "@bufferLength")
    buffer_count: Word | None = backend("io-tuning", "@bufferCount")
    latency: Word | None = backend("io-tuning")
    dev: Path | None = backend("raw-device")
    try_poll: Flag | None = backend("io-tuning", "@tryPoll")
    server_name: Line | None = backend("host-port", "@serverName")
    client_name: Line | None = backend("host-port", "@clientName")
    connect_ports: Line | None = backend("host-port", "@connectPorts")
    exact_name: Flag | None = backend("host-port", "@exactName")
    name: Line | None = backend("host-port")
    stream_name: Line | None = backend("host-port", "@streamName")
    settings: AudioSettings | None = goal()


class AudioInput(AudioStream, tag="input"):
    """Sound from the host."""


class AudioOutput(AudioStream, tag="output"):
    """Sound to the host."""


class Audio(Named, tag="audio", plural="audios", alike=("id",), matched_by=("id",), convention=fixed(type="none")):
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
    timer_period: Word | None = backend("io-tuning", "@timerPeriod")
    driver: Annotated[str, choice("alsa", "arts", "esd", "pulseaudio")] | None = backend("raw-device")
    server_name: Line | None = backend("host-port", "@serverName")
    path: Path | None = backend("host-path")
    try_mmap: Flag | None = backend("io-tuning", "@tryMMap")
    exclusive: Flag | None = backend("raw-device")
    dsp_policy: Annotated[int, integer(-1, 10)] | None = backend("io-tuning", "@dspPolicy")
    runtime_dir: Path | None = backend("host-path", "@runtimeDir")
    input: AudioInput | None = goal()
    output: AudioOutput | None = goal()
