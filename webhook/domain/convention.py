"""The conventional backend of a device in the isolated form: how it is added, and how it is removed again.

A device's declaration has a `Convention`; `webhook/libvirt/` renders, reads, captures and imports by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from webhook.domain.types import ObjectName
from webhook.trees import Tree

# The folder of a PersistentVolumeClaim's content, by the claim's name.
CLAIMS = "/var/lib/vmconfig/claims/"
# The prefix of the volume of a device without a claim; no claim's name has an underscore.
BLANK = "_blank_"
# The network of a NIC that names none: the pod's. No network's name has an underscore.
POD_NETWORK = "pod_network"

# Where the isolated form has a device of the host that a name stands for: the last place of the last PCI segment, which
# no host has. The host's agent writes the device's own place there.
NO_PLACE = {"domain": 0xFFFF, "bus": 0xFF, "slot": 0x1F, "function": 7}

_NAME = get_args(ObjectName)[1]


@dataclass(frozen=True, slots=True, eq=False)
class Convention:
    """`provide` adds the backend that a device does not state, and `withdraw` removes the same.

    A stated backend is kept. Both return a new tree. `shared_memory`: whether the backend reads the guest's memory.
    """

    provide: Callable[[Tree], Tree]
    withdraw: Callable[[Tree], Tree]
    shared_memory: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class VolumePath:
    """Where a volume is on the host: the field of a device's `source`, and the parts of the path around its name."""

    field: str
    before: str
    after: str = ""

    def source(self, volume: str) -> dict[str, str]:
        """The part of a `source` that names a volume."""
        return {self.field: f"{self.before}{volume}{self.after}"}

    def volume(self, source: Tree) -> tuple[str, bool]:
        """The claim that a `source` names (empty: none), and whether its path is the convention's."""
        path = source.get(self.field, "")
        matches = path.startswith(self.before) and path.endswith(self.after)
        name = path.removeprefix(self.before).removesuffix(self.after) if matches else ""
        claim = name if is_name(name) else ""
        return claim, bool(claim) or name.startswith(BLANK)


@dataclass(frozen=True, slots=True, eq=False)
class Referred:
    """How an import replaces a backend by a reference.

    `field` is the device's field for the reference, `names` the part of the import's map (`claims`, `networks`),
    `sources` the fields of the device's `source`, each of which says that it is connected to something.
    """

    field: str
    names: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Hosted:
    """How the facts of a host become the backend of a device, which then needs no convention.

    `facts` is the part of the host's facts that is looked up (`claims`, `networks`, `devices`), and `field` the
    device's field with the name. `wanted` gives the name; empty where the device needs nothing of the host, as one
    that states its backend. `provide` gives the device with what the host has under that name, or None where that is
    not one of the device's `forms`. One that is `shared` serves every device that names it, any other one device.
    """

    facts: str
    field: str
    wanted: Callable[[Tree], str]
    provide: Callable[[Tree, Tree], Tree | None]
    forms: Callable[[Tree], tuple[str, ...]]
    shared: bool = True


# What says where the content of a disk or a folder is.
IMAGES = (
    "file", "dev", "dir", "pool", "volume", "protocol", "name", "path", "address", "hosts", "fdgroup", "socket",
)  # fmt: skip


def fixed(**fields: Any) -> Convention:
    """These fields with these values."""
    return Convention(lambda device: {**fields, **device}, lambda device: taken(device, fields))


def taken(tree: Tree, convention: Tree) -> Tree:
    """The tree without the fields whose value is the convention's."""
    return {name: value for name, value in tree.items() if name not in convention or convention[name] != value}


def with_only(tree: Tree, field: str, rest: Tree) -> Tree:
    """The tree with an element replaced by `rest`, and without it where `rest` is empty."""
    made = {name: value for name, value in tree.items() if name != field}
    return {**made, field: rest} if rest else made


def is_name(text: object) -> bool:
    """Whether a text can be the name of a Kubernetes object."""
    return _NAME.check(text) is None


def has_content(value: Any) -> bool:
    """Whether an element has any value; one of empty elements alone leaves everything to the convention.

    Every scalar is a value, false and zero too.
    """
    if isinstance(value, dict):
        return any(map(has_content, value.values()))
    return any(map(has_content, value)) if isinstance(value, list) else value is not None


def with_content(tree: Tree) -> Tree:
    """The tree without its empty fields."""
    return {name: value for name, value in tree.items() if has_content(value)}
