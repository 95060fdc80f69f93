"""Random number generators (libvirt: formatdomain, "Random number generator device")."""

from typing import Annotated

from webhook.declare import Backend, Element, choice, frontend, goal
from webhook.declare import backend as reaching
from webhook.domain.bus import PCI, Bus
from webhook.domain.convention import Convention, taken
from webhook.domain.devices.character import CHARACTER_TYPES, PROTOCOLS, CharacterLog, CharacterSource
from webhook.domain.devices.device import VirtioDevice
from webhook.domain.types import Path, Positive
from webhook.trees import Tree


class Rate(Element, tag="rate"):
    """How much the host gives: bytes in a period of milliseconds."""

    bytes: Positive | None = goal()
    period: Positive | None = goal()


_URANDOM = {"backend": "random", "path": "/dev/urandom"}


def _provide(rng: Tree) -> Tree:
    return {**_URANDOM, **rng} if rng.get("backend", "random") == "random" else rng


class Rng(
    VirtioDevice,
    tag="rng",
    single="rng",
    buses=(Bus(PCI, 70, ccw=True),),
    convention=Convention(_provide, lambda rng: taken(rng, _URANDOM)),
    optional_backend=True,
):
    """A virtio random number generator. The host's own source needs no path; others reach into the host."""

    model: Annotated[str, choice("virtio", "virtio-transitional", "virtio-non-transitional")] | None = frontend()
    backend: Annotated[str, choice("random", "builtin", "egd")] | None = goal(
        "backend/@model", unless={"egd": Backend("host-port")}
    )
    path: Path | None = reaching("host-path", "backend")
    type: Annotated[str, CHARACTER_TYPES] | None = reaching("host-port", "backend/@type")
    source: CharacterSource | None = reaching("host-port", "backend/source")
    protocol: Annotated[str, PROTOCOLS] | None = reaching("host-port", "backend/protocol/@type")
    log: CharacterLog | None = reaching("host-path", "backend/log")
    rate: Rate | None = goal()
