"""What a declaration says of a device's buses and of the identities that the service makes for it.

The allocators of `webhook/expand/addresses/` and the rules of completeness read these; none of them names a device.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from webhook.declare.field_path import FieldPath
from webhook.declare.tree import at
from webhook.trees import Tree

# Dotted paths of a device's fields, and for each the values that match; None stands for an absent field.
Values = Mapping[str, tuple[str | bool | None, ...]]

# The names down to a field, the field, its values, and whether it has to be one of them.
Test = tuple[tuple[str, ...], str, tuple[str | bool | None, ...], bool]
_EMPTY: Tree = {}

# The order of a declaration that states none: behind all others.
LAST = 10_000

# The buses that have an allocator: `pci` is also the channel subsystem, on machines that have that instead, and `isa`
# places serial ports alone.
PCI, USB, DRIVE, VIRTIO_SERIAL, VIO, DIMM, ISA, CCID = (
    "pci", "usb", "drive", "virtio-serial", "spapr-vio", "dimm", "isa", "ccid",
)  # fmt: skip
# The tenant or an admin states the address: there is no allocator.
STATED = "stated"
# It has no address: the machine fixes its place, or there is none.
NOWHERE = ""


@dataclass(frozen=True, slots=True, eq=False)
class Fitting:
    """A statement about devices whose fields match `when` and do not match `unless`."""

    when: Values = field(default_factory=dict, kw_only=True)
    unless: Values = field(default_factory=dict, kw_only=True)
    # Both, compiled.
    tests: tuple[Test, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tests", (*_tests(self.when, wanted=True), *_tests(self.unless, wanted=False)))

    def fits(self, device: Tree) -> bool:
        """Whether the statement applies to a device."""
        for above, name, values, wanted in self.tests:
            tree: Any = device
            for step in above:
                tree = tree.get(step)
                if type(tree) is not dict:
                    tree = _EMPTY
                    break
            if (tree.get(name) in values) is not wanted:
                return False
        return True


@dataclass(frozen=True, slots=True, eq=False)
class Bus(Fitting):
    """A bus on which a device can be.

    `order` is the order in which the devices of one bus get addresses; equal ones go by the list's name. `role` is a
    dotted path: its value, else the list's name, is the device's name in the machine's tables. `ccw`: whether the
    device is on the channel subsystem of a machine that has no PCI; any other is refused there.
    """

    name: str
    order: int = LAST
    role: str = ""
    ccw: bool = False

    def role_of(self, device: Tree, listed: str) -> str:
        """What the machine's tables call a device of this list."""
        return str(at(device, self.role) or listed) if self.role else listed


@dataclass(frozen=True, slots=True, eq=False)
class Generated(Fitting):
    """An identity that the service makes once and keeps: the field's dotted path, and its form, `mac` or `serial`.

    `volatile`: where the field is absent, the host makes another one at each boot.
    """

    path: str
    form: Literal["mac", "serial"]
    volatile: bool = False


def _tests(values: Values, *, wanted: bool) -> Iterator[Test]:
    for path, alternatives in values.items():
        *above, name = (part for part, _ in FieldPath.parse(path))
        yield tuple(above), name, alternatives, wanted


def bus_of(device: Tree, buses: tuple[Bus, ...], lacking: Container[str] = ()) -> Bus | None:
    """The first of the declared buses that the device is on; None where it has no address.

    `lacking` are buses that the machine does not have: the device is on the next one that fits.
    """
    if is_none(device):
        return None
    for bus in buses:
        if bus.name not in lacking and (not bus.tests or bus.fits(device)):
            return bus if bus.name != NOWHERE else None
    return None


def is_none(device: Tree) -> bool:
    """Whether an entry states that there is no such device (`type: none` of a video, `model: none` of a balloon)."""
    return device.get("type") == "none" or device.get("model") == "none"
