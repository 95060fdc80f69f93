"""A VM's domain from libvirt's XML: the whole frontend, with references in place of the backend.

A map names a claim for each image and a network for each bridge; any other backend is left out and listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook import machines
from webhook.declare import Backend, Field, Shape, shown
from webhook.domain import domain_shape
from webhook.domain.convention import Referred
from webhook.domain.devices import KINDS
from webhook.findings import Finding, Refused
from webhook.libvirt.capture import without_mirrors
from webhook.libvirt.parse import read
from webhook.libvirt.place import Tree

# The fields whose class shows that a device belongs to the host.
_DECIDING = ("type", "mode", "model")


@dataclass(frozen=True, slots=True)
class Map:
    """Names of Kubernetes objects: claims by image, networks by bridge or libvirt network."""

    claims: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)

    def of(self, names: str) -> Mapping[str, str]:
        """One part by its name."""
        return {"claims": self.claims, "networks": self.networks}[names]


@dataclass(slots=True)
class Imported:
    """The VM's name in the XML, its domain, and a finding for each part that was left out."""

    name: str
    domain: Tree
    left: list[Finding] = field(default_factory=list)


def import_domain(xml: bytes | str, names: Map, machine: str = "") -> Imported:
    """The frontend of a domain's XML as `spec.domain`.

    `machine` is the versioned machine type where the XML has an alias. Raises Refused, with all findings, for what
    is no domain, an image or a network that `names` does not name, and a machine without a version.
    """
    reading = without_mirrors(read(xml))
    found = Imported(reading.name, reading.domain, [one for one in reading.left if one.rule != "running"])
    findings: list[Finding] = []
    _refer(found.domain.get("devices", {}), names, findings)
    _pin(found.domain, machine, findings)
    if findings:
        raise Refused(findings)
    found.domain = _without_backend(found.domain, domain_shape(), "", found.left)
    return found


def _refer(devices: Tree, names: Map, findings: list[Finding]) -> None:
    """Images become claims and networks become references, in place, as the devices' declarations say."""
    for listed, kind in KINDS.items():
        entries = devices.get(listed)
        if kind.referred is not None and entries:
            single = isinstance(entries, dict)
            for index, device in enumerate([entries] if single else entries):
                place = f"devices.{listed}" + ("" if single else f"[{index}]")
                findings += _refer_device(device, kind.referred, names, place)


def _refer_device(device: Tree, referred: Referred, names: Map, place: str) -> Iterator[Finding]:
    known, reference, source = names.of(referred.names), referred.field, device.get("source", {})
    field_name = next((name for name in referred.sources if source.get(name)), None)
    if device.get(reference) in known:
        # The convention gave the reference the bridge's name; the map has another one.
        device[reference] = known[device[reference]]
    if field_name is None or device.get(reference):
        return
    value = source[field_name]
    if value not in known:
        problem = f"is `{shown(value)}` of the host, for which the map has no name"
        way = f"add it to `{referred.names}` of the map: `{shown(value)}: NAME`"
        yield Finding(f"{place}.source", problem, way, "import")
        return
    device[reference] = known[value]
    del source[field_name]


def _pin(domain: Tree, machine: str, findings: list[Finding]) -> None:
    """Set the versioned machine type, where the XML has an alias."""
    kind = domain.get("os", {}).get("type", {})
    name, arch = kind.get("machine", ""), kind.get("arch", "")
    if machines.versioned(name) or machines.unpinned(arch, name):
        return
    if machine:
        kind["machine"] = machine
        return
    problem = f"`{shown(name)}` has no version: the XML does not say which machine the guest had"
    findings.append(Finding("os.type.machine", problem, "say it with `--machine`, like `pc-q35-7.2`", "import"))


def _without_backend(tree: Tree, shape: Shape, path: str, left: list[Finding]) -> Tree:
    """A tree without its backend, each part of which becomes a finding."""
    made: Tree = {}
    for name, value in tree.items():
        entry, here = shape.fields[name], f"{path}.{name}".removeprefix(".")
        if _is_backend(entry, value):
            left.append(Finding(here, "is the host's and is not carried over", "", "backend"))
        elif entry.shape is None:
            made[name] = value
        elif entry.many:
            entries = [_entry(item, entry, f"{here}[{index}]", left) for index, item in enumerate(value)]
            if any(entries):
                made[name] = [item for item in entries if item]
        else:
            inner = _entry(value, entry, here, left)
            if inner:
                made[name] = inner
    return made


def _is_backend(entry: Field, value: Any) -> bool:
    return isinstance(entry.field_class if entry.shape is not None else entry.class_of_value(value), Backend)


def _entry(item: Tree, entry: Field, here: str, left: list[Finding]) -> Tree | None:
    """An element without its backend; None for a device that does not exist without it."""
    assert entry.shape is not None  # noqa: S101 - the caller's case
    kind = entry.name
    if here.startswith("devices.") and here.count(".") == 1 and not KINDS[kind].optional_backend:
        fields = entry.shape.fields
        reaching = [name for name in _DECIDING if name in item and _is_backend(fields[name], item[name])]
        if reaching:
            left.append(Finding(here, f"is a device of the host (`{shown(item[reaching[0]])}`)", "", "backend"))
            return None
    return _without_backend(item, entry.shape, here, left)
