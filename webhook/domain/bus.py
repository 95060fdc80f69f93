"""On which bus a device sits and what is its own there, as its declaration says it, and reading that of one device.

The allocators of `webhook/expand/addresses/` and the rules of completeness read these; none of them names a device.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.declare.tree import at

Tree = dict[str, Any]
# Dotted paths of a device's fields, and for each the values that are meant; None among them: the field is unsaid.
Values = Mapping[str, tuple[str | None, ...]]

Test = tuple[tuple[str, ...], tuple[str | None, ...], bool]

# A turn behind those of all devices that say one.
LAST = 10_000

# The buses that have an allocator. `pci` is also the channel subsystem, on machines that have that instead.
PCI, USB, DRIVE, VIRTIO_SERIAL, VIO, DIMM, ISA, CCID = (
    "pci", "usb", "drive", "virtio-serial", "spapr-vio", "dimm", "isa", "ccid",
)  # fmt: skip
# Its owner states the address: no allocator knows one.
STATED = "stated"
# It has no address: the machine itself knows the place, or there is none.
NOWHERE = ""


@dataclass(frozen=True, slots=True)
class _Fitting:
    """What holds for a device whose fields are as `when` says, and not as `unless` says."""

    when: Values = field(default_factory=dict, kw_only=True)
    unless: Values = field(default_factory=dict, kw_only=True)
    # Both as the names of each path, its values, and whether the field has to be one of them.
    tests: tuple[Test, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tests", (*_tests(self.when, wanted=True), *_tests(self.unless, wanted=False)))

    def fits(self, device: Tree) -> bool:
        """Whether it holds for a device."""
        for path, values, wanted in self.tests:
            value: Any = device
            for name in path:
                value = value.get(name) if type(value) is dict else None
            if (value in values) is not wanted:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Bus(_Fitting):
    """A bus on which a device sits.

    `turn` orders the devices of one bus while they get places; equal turns go by the list's name. `role` is a dotted
    path: its value, else the list's name, is what the machine's tables call the device. `ccw`: whether the device is
    on the channel subsystem of a machine that has no PCI; any other is refused there.
    """

    name: str
    turn: int = LAST
    role: str = ""
    ccw: bool = False

    def role_of(self, device: Tree, listed: str) -> str:
        """What the machine's tables call a device of this list."""
        return str((self.role and at(device, self.role)) or listed)


@dataclass(frozen=True, slots=True)
class Made(_Fitting):
    """An identity that the service makes once and keeps: the field's dotted path, and its form, `mac` or `serial`.

    `redrawn`: where it is unsaid, the host draws another one at each boot.
    """

    path: str
    form: str
    redrawn: bool = False


def _tests(said: Values, *, wanted: bool) -> Iterator[Test]:
    return ((tuple(path.split(".")), values, wanted) for path, values in said.items())


def bus_of(device: Tree, buses: tuple[Bus, ...], lacking: Container[str] = ()) -> Bus | None:
    """The first of the declared buses that the device is on; None where it has no address.

    `lacking` are buses that the machine does not have: the device is on the next one that takes it.
    """
    if is_none(device):
        return None
    for bus in buses:
        if bus.name not in lacking and bus.fits(device):
            return bus if bus.name != NOWHERE else None
    return None


def is_none(device: Tree) -> bool:
    """Whether a device only says that there is none (`type: none` of a video, `model: none` of a balloon)."""
    return device.get("type") == "none" or device.get("model") == "none"
