"""Memory devices: DIMMs, NVDIMMs, virtio-mem and -pmem, SGX (libvirt: formatdomain, "Memory devices")."""

from typing import Annotated

from webhook.declare import Backend, Element, backend, choice, frontend, goal, integer, kib, memory
from webhook.domain.bus import DIMM, PCI, Bus
from webhook.domain.devices.device import VirtioDevice
from webhook.domain.types import Amount, Flag, Nodeset, Path, Presence, Uuid
from webhook.trees import Tree

# The field of a device's target that says what the guest has of it at boot, by the model. A balloon counts no others.
_AT_BOOT = {"dimm": "size", "virtio-mem": "requested"}


class MemorySource(Element, tag="source"):
    """Where on the host the memory comes from."""

    path: Path | None = backend("host-path", "path")
    pagesize: Amount | None = backend("scheduling", "pagesize[@unit='KiB']")
    nodemask: Nodeset | None = backend("scheduling", "nodemask")
    alignsize: Amount | None = backend("io-tuning", "alignsize[@unit='KiB']")
    pmem: Presence | None = backend("raw-device", "pmem")


class MemoryTarget(Element, tag="target"):
    """What the guest sees: how much, in which NUMA cell, and how it is cut."""

    size: Amount | None = frontend("size[@unit='KiB']")
    node: Annotated[int, integer(0, 127)] | None = frontend("node")
    label_size: Amount | None = frontend("label/size[@unit='KiB']")
    block: Amount | None = frontend("block[@unit='KiB']")
    # Nothing is what a virtio-mem device usually starts with.
    requested: Annotated[int | str, memory(0)] | None = frontend("requested[@unit='KiB']")
    current: Amount | None = goal("current[@unit='KiB']")
    readonly: Presence | None = frontend("readonly")
    dynamic_memslots: Flag | None = goal("@dynamicMemslots")
    base: Annotated[int, integer(0, 2**48, hex_digits=9)] | None = frontend("address/@base")


class MemoryDevice(
    VirtioDevice,
    tag="memory",
    plural="memories",
    alike=("model", "target.node"),
    buses=(
        Bus(PCI, 160, when={"model": ("virtio-mem", "virtio-pmem")}, ccw=True),
        Bus(DIMM, when={"model": ("dimm", "nvdimm")}),
    ),
    identities=("uuid",),
):
    """A piece of memory beside the machine's own. One with contents that stay (`nvdimm`) is a file of the host."""

    model: Annotated[str, choice("dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc")] | None = frontend(
        unless={
            "nvdimm": Backend("host-path"),
            "virtio-pmem": Backend("host-path"),
            "sgx-epc": Backend("passthrough"),
        }
    )
    access: Annotated[str, choice("shared", "private")] | None = backend("scheduling")
    discard: Flag | None = goal()
    uuid: Uuid | None = frontend("uuid")
    source: MemorySource | None = goal()
    target: MemoryTarget | None = frontend()


def plugged_at_boot(domain: Tree) -> int:
    """What the guest has of memory devices when it starts, in KiB, beside the machine's own memory.

    libvirt counts it in `currentMemory`, which it sets a balloon to at every start (qemuProcessSetupBalloon).
    """
    pieces = (domain.get("devices") or {}).get("memories") or ()
    targets = ((_AT_BOOT.get(piece.get("model", "")), piece.get("target") or {}) for piece in pieces)
    return sum(kib(target.get(field)) or 0 for field, target in targets if field)
