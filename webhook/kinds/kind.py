"""The resource kinds with a VM's spec, and the place of the spec in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GROUP = "kubevirt.io"
VERSION = "v1alpha1"


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A resource kind: its names, and the keys that lead to the VM's spec."""

    name: str
    plural: str
    singular: str
    short_names: tuple[str, ...]
    doc: str
    spec: tuple[str, ...]

    @property
    def api_version(self) -> str:
        """The `apiVersion` of objects."""
        return f"{GROUP}/{VERSION}"

    @property
    def spec_path(self) -> str:
        """The spec's place in findings: `spec`, `spec.template.spec`."""
        return ".".join(self.spec)

    @property
    def pointer(self) -> str:
        """The spec's place as a JSON pointer."""
        return "".join(f"/{key}" for key in self.spec)

    def spec_of(self, obj: Any) -> Any:
        """The VM's spec in an object of this kind; None where it, or the way to it, is missing."""
        for key in self.spec:
            if type(obj) is not dict:
                return None
            obj = obj.get(key)
        return obj


# A definition's plural, singular and short names are one set in a group, and whoever comes second gets none of what is
# taken: KubeVirt's VirtualMachine has `vm` and `vms` in this one.
VM = Kind(
    "VM",
    "vmdefinitions",
    "vmdefinition",
    ("vmd",),
    "A virtual machine: what the tenant says, and the complete hardware made of it.",
    ("spec",),
)
VM_CONFIG = Kind(
    "VirtualMachineConfig",
    "virtualmachineconfigs",
    "virtualmachineconfig",
    ("vmconfig",),
    "The persistent configuration of one guest; each boot may create a VM from it.",
    ("spec", "template", "spec"),
)
KINDS = {kind.name: kind for kind in (VM, VM_CONFIG)}
