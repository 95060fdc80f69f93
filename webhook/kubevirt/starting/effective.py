"""A VM as KubeVirt starts it: with what its preference fills in, and the cards and disks that KubeVirt adds itself."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.kubevirt.starting.devices import (
    DEFAULT_BUS,
    MOST_LISTED,
    NAMED,
    SLOT_COUNT,
    Devices,
    annotations_of,
    devices_of,
    lacks_card,
    modelled,
    on_root_ports,
    target_of,
    template_of,
    volumes_without_disk,
)
from webhook.kubevirt.starting.forms import well_formed
from webhook.kubevirt.starting.layout import Layout, held, layout
from webhook.kubevirt.starting.preferences import fill, fill_entries, matched, preferred_bus, preferred_input
from webhook.kubevirt.starting.site import Site
from webhook.kubevirt.starting.topology import ports_of
from webhook.trees import Tree

# What a VM has where neither it nor its preference says.
_USUAL = {
    "autoattachGraphicsDevice": True,
    "autoattachInputDevice": False,
    "autoattachMemBalloon": True,
    "autoattachSerialConsole": True,
}


def draft(vm: Tree) -> Tree:
    """The same VM, whose parts that are written here are copies."""
    spec = dict(vm["spec"])
    template = spec["template"] = dict(spec["template"])
    template["metadata"] = dict(template.get("metadata") or {})
    template["metadata"]["annotations"] = dict(template["metadata"].get("annotations") or {})
    instance = template["spec"] = dict(template["spec"])
    domain = instance["domain"] = dict(instance["domain"])
    devices = domain["devices"] = dict(domain.get("devices") or {})
    for kind in NAMED:
        if devices.get(kind):
            devices[kind] = [dict(entry) for entry in devices[kind]]
    return {**vm, "spec": spec}


def state(vm: Tree, preferred: Tree | None, site: Site) -> None:
    """State in a draft what KubeVirt would add at its start; `preferred` is its preference, None where it has none."""
    prefer(vm, preferred, site)
    add(vm, preferred or {}, site)
    complete(vm, preferred or {})


def prefer(vm: Tree, preferred: Tree | None, site: Site) -> None:
    """State what the preference fills in beside the entries of lists, and the version of the machine."""
    domain = template_of(vm)["domain"]
    if preferred is not None:
        _prefer(vm, preferred)
        # What the preference does not say now it may say later.
        for key, usual in _USUAL.items():
            if domain["devices"].get(key) is None:
                domain["devices"][key] = usual
    machine = domain.get("machine") or {}
    alias = machine.get("type") or "q35"
    if alias in site.machines and template_of(vm).get("architecture") in (None, "", "amd64"):
        domain["machine"] = {**machine, "type": site.machines[alias]}


def add(vm: Tree, preference: Tree, site: Site) -> None:
    """Add the card, the input device and the disks that KubeVirt adds."""
    template = template_of(vm)
    devices = template["domain"]["devices"]
    if lacks_card(devices, template):
        devices["interfaces"] = [{"name": "default", site.card: {}}]
        template["networks"] = [{"name": "default", "pod": {}}]
    if devices.get("autoattachInputDevice") is True and not devices.get("inputs"):
        devices["inputs"] = [preferred_input(preference)]
    added = [{"name": name} for name in volumes_without_disk(devices, template)]
    if added:
        devices["disks"] = [*(devices.get("disks") or ()), *added]


def complete(vm: Tree, preference: Tree) -> None:
    """State the models and buses that the entries leave out, also of what KubeVirt adds, as its preference has them."""
    template = template_of(vm)
    devices = template["domain"]["devices"]
    fill_entries(devices, preference)
    default = DEFAULT_BUS.get(template.get("architecture") or "", "sata")
    for entry in devices.get("disks") or ():
        target = target_of(entry)
        stated = entry.get(target) or {}
        if not stated.get("bus"):
            entry[target] = {**stated, "bus": preferred_bus(preference, target) or default}


def _prefer(vm: Tree, preference: Tree) -> None:
    """Fill in what a preference says, unless that would be no VM."""
    domain = template_of(vm)["domain"]
    kept = dict(domain)
    fill(domain, preference)
    if not well_formed(vm):
        domain.clear()
        domain.update(kept)


def as_started(vm: Tree, preference: Tree | None, site: Site) -> Devices:
    """The devices of a well-formed VM at its start."""
    made = draft(vm)
    state(made, preference, site)
    return devices_at(made, site)


def with_count(vm: Tree, count: str) -> Tree:
    """A copy of a VM for which KubeVirt reserves so many ports."""
    made = draft(vm)
    annotations_of(made)[SLOT_COUNT] = count
    return made


def devices_at(vm: Tree, site: Site) -> Devices:
    """The devices of a VM that states all of them, and those that its instance type passes through."""
    found, _ = matched(vm, "instancetype", site.find)
    return devices_of(template_of(vm), annotations_of(vm), tuple(_passed(found or {})))


def _passed(spec: Tree) -> Iterator[str]:
    for kind, word in (("hostDevices", "hostdevice"), ("gpus", "gpu")):
        entries = spec.get(kind)
        for entry in entries[:MOST_LISTED] if type(entries) is list else ():
            if type(entry) is dict:
                yield f"{word}-{entry.get('name')}"


def layout_of(vm: Tree, devices: Devices, site: Site) -> Layout | None:
    """Where a VM's guest finds its devices; None where that is not known."""
    ports = ports_of(site.version)
    if ports == "unstable" or not modelled(template_of(vm), annotations_of(vm)):
        return None
    return layout(devices, held(devices, ports))


def own_layout(vm: Tree, devices: Devices) -> Layout | None:
    """Places of a VM's devices that a hook can give them, whatever KubeVirt would; None on another kind of machine."""
    if not on_root_ports(template_of(vm), annotations_of(vm)):
        return None
    return layout(devices, 0)


def slots_of(devices: Devices, site: Site) -> str:
    """How many ports KubeVirt reserves, as its annotation says it."""
    return devices.annotations.get(SLOT_COUNT) or str(held(devices, ports_of(site.version)) + len(devices.cards))
