"""VMSnapshot: what the hardware of a VM was at one moment. The tenant says of what, the service fills in the rest."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from webhook.declare import Element, Inspection, Shape, choice, frontend, inspect, reference, shape_of
from webhook.domain.types import Flag, ObjectName
from webhook.kinds.kind import KINDS, Kind

# Where the filled-in VM's spec is. KubeVirt's kinds of this name are in the group `snapshot.kubevirt.io`.
SNAPSHOT = Kind(
    "VMSnapshot",
    "vmdefinitionsnapshots",
    "vmdefinitionsnapshot",
    ("vmds",),
    "The hardware of a VM as it was at one moment: written once by the service, and restored from by `restoreFrom`.",
    ("spec", "configuration"),
)
CONFIGURATION, PROVENANCE = "configuration", "provenance"
# What the service fills in.
FILLED_IN = (CONFIGURATION, PROVENANCE)


class SnapshotSource(Element):
    """What a snapshot is of: an object of the snapshot's own namespace."""

    kind: Annotated[str, choice(*KINDS)] | None = frontend("-", doc="`VM` or `VirtualMachineConfig`.")
    name: ObjectName | None = reference("VM", "-", doc="Its name.")


class SnapshotSpec(Element):
    """What a tenant says of a snapshot."""

    source: SnapshotSource | None = frontend("-", doc="What the snapshot is of.")
    memory: Flag | None = frontend(
        "-", doc="Whether the memory of the running machine belongs to it: the hardware is then the running machine's."
    )


# Declarations do not change: one value.
@cache
def snapshot_shape() -> Shape:
    """The compiled declaration of what a tenant says of a snapshot."""
    return shape_of(SnapshotSpec)


def asked_for(spec: Any) -> Any:
    """A snapshot's spec without what the service fills in."""
    if type(spec) is not dict:
        return spec
    return {name: value for name, value in spec.items() if name not in FILLED_IN}


def inspect_snapshot(spec: Any) -> Inspection:
    """The inspection of what a tenant says of a snapshot."""
    return inspect(asked_for(spec), snapshot_shape(), "spec")
