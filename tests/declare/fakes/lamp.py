"""A USB device that no hypervisor has: its picture is a claim's file, and it is nothing without the host's end."""

from typing import Annotated

from webhook.declare import Backend, Element, backend, choice, frontend, goal, reference
from webhook.domain.bus import USB, Bus
from webhook.domain.convention import Referred
from webhook.domain.devices.device import Device
from webhook.domain.types import ObjectName, Path


class LampSource(Element, tag="source"):
    """The picture's file."""

    file: Path | None = backend("host-path")


class Lamp(
    Device,
    tag="lamp",
    plural="lamps",
    alike=("colour",),
    buses=(Bus(USB),),
    referred=Referred("claim", "claims", ("file",)),
):
    """A lamp; `real` is one of the host's."""

    type: Annotated[str, choice("drawn", "real")] | None = goal(unless={"real": Backend("passthrough")})
    colour: Annotated[str, choice("red", "green")] | None = frontend()
    claim: ObjectName | None = reference("PersistentVolumeClaim", "-")
    source: LampSource | None = goal()
