"""The host's end of a device where no host is known: what the isolated form gives by convention, and takes out again.

A device's declaration has a `Convention`; `webhook/libvirt/` renders, reads, captures and imports by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from webhook.domain.types import ObjectName

Tree = dict[str, Any]

# The folder of a PersistentVolumeClaim's content, by the claim's name.
CLAIMS = "/var/lib/vmconfig/claims/"
# The prefix of the volume of a device without a claim; no claim's name has an underscore.
BLANK = "_blank_"

_NAME = get_args(ObjectName)[1]


@dataclass(frozen=True, slots=True)
class Convention:
    """`provide` adds what a device does not say of its end on the host, and `withdraw` takes the same out.

    What the device says itself stands. Both leave the given tree as it is. `shared_memory`: whether the host's end
    reads the guest's memory.
    """

    provide: Callable[[Tree], Tree]
    withdraw: Callable[[Tree], Tree]
    shared_memory: bool = False


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Referred:
    """How an import makes a reference of something of the host's.

    `field` is the device's field for it, `names` the part of the import's map (`claims`, `networks`), `sources` the
    fields of the device's `source` of which the first that is there is looked up.
    """

    field: str
    names: str
    sources: tuple[str, ...]


# The sources of a disk or a folder.
IMAGES = ("file", "dev", "volume", "name", "dir", "path")


def fixed(**fields: Any) -> Convention:
    """These fields with these values."""
    return Convention(lambda device: {**fields, **device}, lambda device: taken(device, fields))


def taken(tree: Tree, convention: Tree) -> Tree:
    """The tree without the fields that say what the convention says."""
    return {name: value for name, value in tree.items() if name not in convention or convention[name] != value}


def with_only(tree: Tree, field: str, rest: Tree) -> Tree:
    """The tree with only `rest` left of an element, and without it where nothing is left."""
    made = {name: value for name, value in tree.items() if name != field}
    return {**made, field: rest} if rest else made


def is_name(text: object) -> bool:
    """Whether a text can be the name of a Kubernetes object."""
    return _NAME.check(text) is None


def has_content(value: Any) -> bool:
    """Whether an element says anything; one that is empty, all the way down, leaves everything to the convention.

    Scalars are values, whatever they are.
    """
    if isinstance(value, dict):
        return any(map(has_content, value.values()))
    return any(map(has_content, value)) if isinstance(value, list) else value is not None


def with_content(tree: Tree) -> Tree:
    """The tree with only those of its fields that say something."""
    return {name: value for name, value in tree.items() if has_content(value)}
