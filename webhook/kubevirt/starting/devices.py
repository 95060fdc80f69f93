"""The devices of a `kubevirt.io/v1` VM as far as they take a place in the guest: what KubeVirt makes of its template.

An object whose parts are of other forms than KubeVirt's has none: the API server refuses it by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from webhook.trees import Tree

# Lists of a VM's devices whose entries have names.
NAMED = ("disks", "interfaces", "inputs", "gpus", "hostDevices", "filesystems")
# KubeVirt refuses longer lists of disks, cards, inputs, volumes and networks (`arrayLenMax` of its webhook).
MOST_LISTED = 256
# Cards that libvirt puts behind a bridge of conventional PCI where nobody says where.
CONVENTIONAL_CARDS = frozenset({"e1000", "rtl8139", "pcnet", "ne2k_pci"})
# What a disk entry can be, and KubeVirt's bus for one without: virtio where the machine has no SATA.
TARGETS = ("disk", "lun", "cdrom")
DEFAULT_BUS = {"arm64": "virtio", "s390x": "virtio"}
SLOT_COUNT = "kubevirt.io/pci-interface-slot-count"
_ROOT_COMPLEX = "kubevirt.io/placePCIDevicesOnRootComplex"


@dataclass(frozen=True, slots=True)
class Card:
    """A network card with the address that it states; `passed`: it is a virtual function of the host's card."""

    name: str
    address: str
    model: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk, LUN or CD-ROM drive with its bus."""

    name: str
    target: str
    bus: str
    address: str


@dataclass(frozen=True, slots=True)
class Devices:
    """All that takes a place: devices with a name, and which of the others there are."""

    disks: tuple[Disk, ...] = ()
    cards: tuple[Card, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    filesystems: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    sound: tuple[str, str] | None = None
    watchdog: str | None = None
    balloon: bool = True
    rng: bool = False
    vsock: bool = False
    graphics: bool = True
    redirected: bool = False
    scsi: bool = True
    always_usb: bool = False
    console: bool = True
    annotations: dict[str, str] = field(default_factory=dict)

    @property
    def usb(self) -> bool:
        """Whether KubeVirt adds a USB controller."""
        disks = any(disk.bus == "usb" and disk.target == "disk" for disk in self.disks)
        return disks or self.redirected or self.always_usb or any(bus == "usb" for _, bus in self.inputs)


def template_of(vm: Tree) -> Tree:
    """The spec of the VirtualMachineInstance that a VM makes."""
    found: Tree = vm["spec"]["template"]["spec"]
    return found


def annotations_of(vm: Tree) -> dict[str, str]:
    """The annotations of a well-formed VM's template, which reach the instance."""
    found: dict[str, str] | None = (vm["spec"]["template"].get("metadata") or {}).get("annotations")
    return {} if found is None else found


def devices_of(template: Tree, annotations: dict[str, str], passed_more: tuple[str, ...] = ()) -> Devices:
    """What KubeVirt makes of a well-formed template; `passed_more` are devices that an instance type adds."""
    listed = template["domain"].get("devices") or {}
    disks = tuple(_disks(listed, template))
    sound, watchdog = listed.get("sound"), listed.get("watchdog")
    return Devices(
        disks=disks,
        cards=tuple(_cards(listed, template)),
        inputs=tuple(_inputs(listed)),
        filesystems=tuple(each["name"] for each in listed.get("filesystems") or () if "virtiofs" in each),
        passed=(
            *(f"hostdevice-{each['name']}" for each in listed.get("hostDevices") or ()),
            *(f"gpu-{each['name']}" for each in listed.get("gpus") or ()),
            *passed_more,
        ),
        sound=(sound.get("name", ""), sound.get("model") or "ich9") if sound is not None else None,
        watchdog=watchdog.get("name", "") if watchdog is not None else None,
        balloon=listed.get("autoattachMemBalloon") is not False,
        rng=listed.get("rng") is not None,
        vsock=listed.get("autoattachVSOCK") is True,
        graphics=listed.get("autoattachGraphicsDevice") is not False,
        redirected=listed.get("clientPassthrough") is not None,
        scsi=listed.get("disableHotplug") is not True or any(disk.bus == "scsi" for disk in disks),
        always_usb=template.get("architecture") == "arm64",
        console=listed.get("autoattachSerialConsole") is not False,
        annotations=annotations,
    )


def modelled(template: Tree, annotations: dict[str, str]) -> bool:
    """Whether what KubeVirt makes of a machine's places is known: q35's, with virtio's modern form."""
    return template.get("architecture") != "arm64" and on_root_ports(template, annotations)


def on_root_ports(template: Tree, annotations: dict[str, str]) -> bool:
    """Whether a machine's devices stand on root ports: q35's and arm64's, with virtio's modern form."""
    machine = (template["domain"].get("machine") or {}).get("type") or ""
    listed = template["domain"].get("devices") or {}
    kinds = {None: "q35", "": "q35", "amd64": "q35", "arm64": "virt"}
    kind = kinds.get(template.get("architecture"))
    return (
        kind is not None
        and (not machine or kind in machine)
        and listed.get("useVirtioTransitional") is not True
        and annotations.get(_ROOT_COMPLEX) != "true"
    )


def _disks(listed: Tree, template: Tree) -> Iterator[Disk]:
    """The disks, and behind them one for each volume that has neither a disk nor a file system, as KubeVirt adds it."""
    default = DEFAULT_BUS.get(template.get("architecture") or "", "sata")
    entries = listed.get("disks") or []
    for entry in entries:
        target = target_of(entry)
        stated = entry.get(target) or {}
        yield Disk(entry["name"], target, stated.get("bus") or default, stated.get("pciAddress") or "")
    for name in volumes_without_disk(listed, template):
        yield Disk(name, "disk", default, "")


def volumes_without_disk(listed: Tree, template: Tree) -> list[str]:
    """Volumes that KubeVirt adds a disk for, since the VM has none. A memory dump's is no disk of the guest's."""
    having = {each["name"] for kind in ("disks", "filesystems") for each in listed.get(kind) or ()}
    volumes = template.get("volumes") or ()
    return [each["name"] for each in volumes if each["name"] not in having and "memoryDump" not in each]


def target_of(entry: Tree) -> str:
    """What a disk entry is."""
    return next((target for target in TARGETS if entry.get(target) is not None), "disk")


def _cards(listed: Tree, template: Tree) -> Iterator[Card]:
    entries = listed.get("interfaces") or []
    for entry in entries:
        yield Card(
            entry["name"],
            entry.get("pciAddress") or "",
            entry.get("model") or "virtio",
            entry.get("sriov") is not None,
        )
    if lacks_card(listed, template):
        yield Card("default", "", "virtio", passed=False)


def lacks_card(listed: Tree, template: Tree) -> bool:
    """Whether KubeVirt adds a card on the pod's network, since the VM says nothing of networks."""
    stated = listed.get("interfaces") or template.get("networks")
    return not stated and listed.get("autoattachPodInterface") is not False


def _inputs(listed: Tree) -> Iterator[tuple[str, str]]:
    for entry in listed.get("inputs") or ():
        yield entry["name"], entry.get("bus") or "usb"


def too_long(vm: Tree) -> str:
    """The path of a list of a well-formed VM that is longer than KubeVirt takes it; empty where none is."""
    template = template_of(vm)
    devices = template["domain"].get("devices") or {}
    counts = {f"domain.devices.{kind}": len(devices.get(kind) or ()) for kind in NAMED}
    counts |= {kind: len(template.get(kind) or ()) for kind in ("volumes", "networks")}
    counts["domain.devices.disks"] += len(volumes_without_disk(devices, template))
    return next((f"spec.template.spec.{path}" for path, count in counts.items() if count > MOST_LISTED), "")
