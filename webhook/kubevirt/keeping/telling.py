"""What an owner is told of a VM whose machine is kept: what moves, what floats, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from webhook.declare import shown
from webhook.findings import Finding
from webhook.kubevirt.keeping.hardware import Hardware
from webhook.kubevirt.keeping.machine import ANNOTATION
from webhook.kubevirt.starting.devices import MOST_LISTED
from webhook.kubevirt.starting.layout import Layout

RULE = "places"
_ANNOTATION = f"spec.template.metadata.annotations[{ANNOTATION}]"
_DEVICES = "spec.template.spec.domain.devices"
# Names of devices in libvirt's words, as people say them.
_WORDS = {
    "usb0": "the USB controller",
    "scsi0": "the SCSI controller",
    "virtio-serial0": "the serial controller",
    "memballoon": "the memory balloon",
    "rng": "the random number generator",
    "video": "the video device",
    "vsock": "the vsock device",
}
_KINDS = {
    "disk": "disk",
    "interface": "network card",
    "hostdev": "passed-through device",
    "input": "input device",
    "sound": "sound card",
    "watchdog": "watchdog",
    "filesystem": "file system",
}


def moves(names: Sequence[str], before: Layout | None, after: Layout | None) -> Iterator[Finding]:
    """One warning for each device that the guest finds elsewhere at the next start."""
    if before is None or after is None:
        return
    for name in names:
        there, then = after.places[name], before.places[name]
        yield Finding(_DEVICES, _elsewhere(name, there, then), _way_out(name), RULE)
    if ("bridge" in before.ports) != ("bridge" in after.ports):
        comes = "comes" if "bridge" in after.ports else "goes"
        problem = f"a bridge of conventional PCI {comes} with this change: the numbers of buses behind it change"
        yield Finding(_DEVICES, problem, "look for names such as `enp2s0` in the guest before the next start", RULE)


def restated(names: Sequence[str], before: Hardware, after: Hardware) -> Iterator[Finding]:
    """The same of a VM that starts through a hook, which has moved only what the VM itself says otherwise."""
    for name in names:
        there, then = after.addresses[name], before.addresses[name]
        yield Finding(_DEVICES, _elsewhere(name, there, then), "undo the change of a place or a bus", RULE)


def _elsewhere(name: str, there: str, then: str) -> str:
    return f"the guest finds {device(name)} at {shown(there)} at the next start, until now at {shown(then)}"


def _way_out(name: str) -> str:
    kind = name.partition(" ")[0]
    if kind in ("disk", "interface"):
        return "undo the change of its place, its bus or of a device before it in the list"
    return "KubeVirt has no field for its place: undo the change, or see to it in the guest"


def device(name: str) -> str:
    """A device's name as people say it."""
    kind, _, rest = name.partition(" ")
    if kind in _KINDS and rest:
        return f"{_KINDS[kind]} `{shown(re.sub('^(hostdevice|gpu|sriov)-', '', rest))}`"
    return _WORDS.get(name, f"`{shown(name)}`")


def no_machine() -> Finding:
    """Of a new VM whose annotation says no machine."""
    return Finding(_ANNOTATION, "is no machine that this service wrote", "remove the annotation", RULE)


def adopted() -> Finding:
    """Of a VM that runs on."""
    problem = "the VM runs: its places are noted, and written into it when it is stopped"
    return Finding(_ANNOTATION, problem, "set `spec.runStrategy: Halted` for a moment when it suits", RULE)


def order(kind: str) -> Finding:
    """Of a list that came in another order."""
    problem = "comes in another order, which would be other places for the guest: the order stays"
    return Finding(f"{_DEVICES}.{kind}", problem, "set `bootOrder` to boot from another device", RULE)


def unknown(kind: str, name: str) -> Finding:
    """Of an instance type or a preference that is not found."""
    problem = f"`{shown(name)}` is not found: what it changes of the guest's machine is not held"
    return Finding(f"spec.{kind}", problem, "create it, and write the VM once more", RULE)


def twin(of: str) -> Finding:
    """Of a VM that brings along the UUID of another one."""
    problem = f"is the UUID of the VM `{shown(of)}`, with its MAC addresses and serial numbers"
    help_ = "remove the UUID, where both shall exist: the VM gets identities of its own"
    return Finding("spec.template.spec.domain.firmware.uuid", problem, help_, RULE)


def floating(machine: str) -> Finding:
    """Of a machine without a version."""
    problem = f"`{machine}` has no version: it is what the node's QEMU makes of it at each start"
    help_ = "name a version, such as `pc-q35-rhel9.6.0`, or ask an admin to say which one `q35` is"
    return Finding("spec.template.spec.domain.machine.type", problem, help_, RULE)


def too_many(path: str) -> Finding:
    """Of a VM with longer lists than KubeVirt takes."""
    problem = f"has more than the {MOST_LISTED} entries that KubeVirt takes: no place is kept"
    return Finding(path, problem, f"list {MOST_LISTED} at most", RULE)


def crowded(count: int, most: int) -> Finding:
    """Of a VM with more cards and virtio disks than places can be chosen for."""
    problem = f"{count} network cards and virtio disks: places are held of {most} at most, and none of this VM's is"
    return Finding(_DEVICES, problem, "put disks on the bus `scsi`, which takes one place for all of them", RULE)


def uncaptured() -> Finding:
    """Of a VM that was there before a hook, and whose places nobody knows."""
    problem = "where its devices are is not known, so that a hook leaves it as KubeVirt makes it"
    return Finding(_ANNOTATION, problem, "note its places with `vmconfig capture --kubevirt` while it runs", RULE)


def unplaced(version: str) -> Finding:
    """Of a VM whose places cannot be held."""
    if version:
        problem = f"KubeVirt {version} places every device anew with each change of a VM: no place can be held"
        return Finding(_DEVICES, problem, "ask an admin for 1.6.4, 1.7.2, 1.8 or later", RULE)
    problem = "places are held on x86_64 with q35 and modern virtio only: this VM's may change at each start"
    return Finding(
        _DEVICES, problem, "leave `useVirtioTransitional` and the annotation `placePCIDevicesOnRootComplex` out", RULE
    )
