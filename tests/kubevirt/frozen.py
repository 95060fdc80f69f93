"""A VM as it is stored where this service keeps machines: through ours, and then through KubeVirt's own code."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from tests.kubevirt.kubevirt import KubeVirt
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree

GATES = ["GPU", "HostDevices"]


@dataclass
class Life:
    """One VM over its life: each `store` is a create or an update of what is stored, as a replace would bring it."""

    kubevirt: KubeVirt
    site: Site = field(default_factory=Site)
    objects: list[Tree] = field(default_factory=list)
    stored: Tree | None = None
    warned: set[str] = field(default_factory=set)

    def store(self, manifest: Tree) -> tuple[str, ...]:
        """Returns the devices of which it was said that they move.

        What is made is admitted by KubeVirt, and the same by us once more changes nothing.
        """
        made = freeze(copy.deepcopy(manifest), self.stored, self.site)
        assert made.findings == ()
        assert freeze(made.vm, self.stored, self.site).vm == made.vm
        admitted = self.kubevirt.admit(made.vm, self.stored, gates=GATES, objects=self.objects)
        assert admitted.refused == []
        assert admitted.vm is not None
        assert freeze(admitted.vm, admitted.vm, self.site).vm == admitted.vm
        self.stored = admitted.vm
        told = " ".join(finding.problem for finding in made.warnings)
        assert all(name.split(" ")[-1].split("-", 1)[-1] in told or name in _SPOKEN for name in made.moves)
        assert (not made.moves) == ("at the next start" not in told)
        self.warned |= set(made.moves)
        return made.moves


# Devices that are said by another word.
_SPOKEN = ("usb0", "scsi0", "virtio-serial0", "memballoon", "rng", "video", "vsock")
