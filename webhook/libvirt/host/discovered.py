"""A host file made of what libvirt and QEMU's firmware descriptors say of a machine.

Only what they say: which bridge a network is, and which device resource a device, is written by whoever runs the host.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from lxml import etree

from webhook.declare import written
from webhook.domain.names import label
from webhook.domain.types import ObjectName
from webhook.libvirt.host.facts import PAGES, cpu_set, numbers
from webhook.libvirt.xml.document import document
from webhook.trees import Tree

_ARCHS = ("x86_64", "aarch64", "s390x", "ppc64le", "riscv64")
_NAME = get_args(ObjectName)[1]
_SUFFIXES = (".img", ".raw", ".qcow2", ".iso")
_PAGE = re.compile(r"^(\d+)KiB: (\d+)", re.M)


@dataclass(frozen=True, slots=True)
class Answers:
    """What was asked of libvirt: XML documents, names of its active networks, and its table of free pages.

    `kvm`: whether QEMU, run by the user with this number, can open KVM's device.
    """

    capabilities: str
    free_pages: str = ""
    networks: Sequence[str] = ()
    volumes: Sequence[str] = ()
    devices: Sequence[str] = ()
    domains: Sequence[str] = ()
    firmware: Sequence[Tree] = field(default_factory=tuple)
    kvm: Callable[[int], bool] = lambda _: True


def discovered(answers: Answers) -> Tree:
    """The tree of a host file; parts of which nothing is known are left out. Raises Refused for what is no answer."""
    capabilities = document(answers.capabilities, "capabilities")
    devices = [document(xml, "device") for xml in answers.devices]
    domains = [document(xml, "domain") for xml in answers.domains]
    made: Tree = {
        "hypervisors": [*_hypervisors(capabilities, answers.kvm)],
        "nodes": [*_nodes(capabilities, domains, answers.free_pages)],
        "taken": cpu_set(sorted({cpu for domain in domains for cpu in _own_cpus(domain)})),
        "claims": _distinct(_claims(document(xml, "volume") for xml in answers.volumes)),
        "networks": [{"name": name, "network": name} for name in answers.networks if _NAME.check(name) is None],
        "firmware": list(answers.firmware),
        "devices": [*_functions(devices), *_mediated(devices)],
    }
    return {part: value for part, value in made.items() if value}


def _hypervisors(capabilities: etree._Element, opens: Callable[[int], bool]) -> Iterator[Tree]:
    """How VMs of each architecture run: under KVM where libvirt has it and QEMU's user can open it."""
    label = capabilities.findtext("host/secmodel[model='dac']/baselabel", "").partition(":")[0].lstrip("+")
    kvm = opens(int(label)) if label.isdecimal() else True
    for arch in capabilities.iterfind("guest/arch"):
        if arch.get("name") in _ARCHS:
            kinds = {domain.get("type") for domain in arch.iterfind("domain")}
            yield {"arch": arch.get("name"), "type": "kvm" if kvm and "kvm" in kinds else "qemu"}


def _nodes(capabilities: etree._Element, domains: Sequence[etree._Element], free_pages: str) -> Iterator[Tree]:
    """Each node with the memory that no running VM has; what the kernel keeps of files it gives up by itself."""
    cells = list(capabilities.iterfind("host/topology/cells/cell"))
    pages = dict(zip(*[iter(re.split(r"Node (\d+):", free_pages)[1:])] * 2, strict=True))
    sizes = {amount: size for size, amount in PAGES.items()}
    used = _used_memory(domains, [int(cell.get("id", "0")) for cell in cells])
    for cell in cells:
        number = int(cell.get("id", "0"))
        free = int(cell.findtext("memory") or "0") - used.get(number, 0)
        cores = dict.fromkeys(cpu.get("siblings") or str(cpu.get("id")) for cpu in cell.iterfind("cpus/cpu"))
        found = ((int(size), int(count)) for size, count in _PAGE.findall(pages.get(str(number), "")))
        huge = [{"size": sizes[size], "free": count} for size, count in found if size in sizes and count]
        node = {"id": number, "free": written(max(free, 1024)), "cores": [{"cpus": core} for core in cores]}
        yield {**node, "hugepages": huge} if huge else node


def _used_memory(domains: Iterable[etree._Element], nodes: Sequence[int]) -> Counter[int]:
    """What running VMs have of each node, in KiB: of those that they are bound to, in equal parts."""
    used: Counter[int] = Counter()
    for domain in domains:
        bound = domain.find("numatune/memory")
        among = (numbers(bound.get("nodeset", "")) if bound is not None else None) or nodes
        for node in among:
            used[node] += int(domain.findtext("memory") or "0") // len(among)
    return used


def _own_cpus(domain: etree._Element) -> Iterator[int]:
    """The CPUs of a running VM that has them for itself: each of its vCPUs is on one."""
    pins = [numbers(pin.get("cpuset", "")) or [] for pin in domain.iterfind("cputune/vcpupin")]
    if pins and all(len(pin) == 1 for pin in pins):
        for place in ("vcpu", "cputune/vcpupin", "cputune/emulatorpin", "cputune/iothreadpin"):
            for node in domain.iterfind(f"{place}[@cpuset]"):
                yield from numbers(node.get("cpuset", "")) or ()


def _claims(volumes: Iterable[etree._Element]) -> Iterator[Tree]:
    """Volumes of libvirt's pools as claims of their name, without the end that says the format."""
    forms = {"file": "file", "block": "block", "dir": "folder"}
    for volume in volumes:
        name, form = volume.findtext("name", ""), forms.get(volume.get("type", ""))
        path, image = volume.findtext("target/path", ""), volume.find("target/format")
        suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), "")
        named = label(name.removesuffix(suffix))
        if form is None or not path.startswith("/") or _NAME.check(named) is not None:
            continue
        kind = image.get("type", "raw") if image is not None else "raw"
        yield {"name": named, form: path, **({"format": kind} if form != "folder" and kind == "qcow2" else {})}


def _distinct(claims: Iterable[Tree]) -> list[Tree]:
    """Claims whose name is one volume's alone: which of several is meant is not for us to say."""
    found = list(claims)
    times = Counter(claim["name"] for claim in found)
    return [claim for claim in found if times[claim["name"]] == 1]


def _functions(devices: Iterable[etree._Element]) -> Iterator[Tree]:
    """PCI functions that the host has set aside for VMs, by the numbers of their vendor and product."""
    for device in devices:
        function = device.find("capability[@type='pci']")
        if function is None or device.findtext("driver/name") != "vfio-pci":
            continue
        who = [node.get("id", "")[2:] for part in ("vendor", "product") for node in function.iterfind(part)]
        parts = [int(function.findtext(part, "0")) for part in ("domain", "bus", "slot", "function")]
        yield {"name": "-".join(("pci", *who)), "pci": "{:04x}:{:02x}:{:02x}.{:x}".format(*parts)}


def _mediated(devices: Iterable[etree._Element]) -> Iterator[Tree]:
    """Types of mediated devices of which more can be made."""
    for device in devices:
        for kind in device.iterfind("capability/capability[@type='mdev_types']/type"):
            free = int(kind.findtext("availableInstances", "0"))
            if free:
                name, parent = kind.get("id", ""), device.findtext("name", "")
                yield {"name": label(name), "mdev": name, "parent": parent, "free": min(free, 1024)}


def firmware(folders: Iterable[Path], exists: Callable[[str], bool]) -> list[Tree]:
    """The images of UEFI that QEMU's descriptors name, the best first, where they are there.

    A file of an earlier folder replaces one of its name in a later one, and an empty file hides it (QEMU:
    docs/interop/firmware.json).
    """
    files: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
            files.setdefault(path.name, path)
    descriptors = (_descriptor(files[name]) for name in sorted(files))
    return [image for descriptor in descriptors for image in _images(descriptor) if exists(image["loader"])]


def _descriptor(path: Path) -> Tree:
    try:
        tree = json.loads(path.read_text() or "{}")
    except (OSError, ValueError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _images(descriptor: Tree) -> Iterator[Tree]:
    mapping, features = descriptor.get("mapping", {}), descriptor.get("features", [])
    template = mapping.get("nvram-template", {})
    if mapping.get("device") != "flash" or not template or "uefi" not in descriptor.get("interface-types", []):
        return
    form = template.get("format", "raw")
    for arch in dict.fromkeys(target.get("architecture") for target in descriptor.get("targets", [])):
        if arch in _ARCHS and form in ("raw", "qcow2"):
            yield {
                "arch": arch,
                "loader": mapping["executable"]["filename"],
                "template": template["filename"],
                **({"format": form} if form != "raw" else {}),
                **({"secureBoot": True} if "secure-boot" in features else {}),
                **({"enrolledKeys": True} if "enrolled-keys" in features else {}),
            }
