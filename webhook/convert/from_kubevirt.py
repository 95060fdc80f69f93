"""A `kubevirt.io/v1` VirtualMachine as a VM of ours: what its guest has stated as it is, with the places it has.

Instance type and preference are what they say now. The guest is `other`, for which best practice adds nothing.
"""

from __future__ import annotations

from typing import Any

from webhook.convert import kubevirt_devices, kubevirt_seeds
from webhook.convert.converted import Converted, left_over
from webhook.convert.instance import as_instance
from webhook.convert.kubevirt_machine import clock, cpu, firmware, hypervisor, memory
from webhook.convert.ledger import Ledger
from webhook.declare import shown
from webhook.domain.convention import is_name
from webhook.findings import Findings
from webhook.kinds import GROUP, VERSION
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.keeping.identities import uuid_of_name
from webhook.kubevirt.keeping.machine import ANNOTATION
from webhook.kubevirt.starting.devices import SLOT_COUNT, annotations_of
from webhook.kubevirt.starting.forms import malformed
from webhook.kubevirt.starting.preferences import matched
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree

_SPEC = "spec.template.spec"
# Annotations that are the machine's: what KubeVirt reserves, and the places of what is gone.
_MACHINES = (ANNOTATION, SLOT_COUNT)
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64", "s390x": "s390x"}
# Written by kubectl and KubeVirt about the object that was.
_OF_THE_OBJECT = ("kubectl.kubernetes.io/", "kubevirt.io/", "kubemacpool.io/")


def from_kubevirt(vm: Any, site: Site) -> Converted:
    """The VM, and the Secrets of what a cloud-init volume has in clear."""
    made = Converted()
    for wrong in Findings(malformed(vm)):
        made.lose(wrong.path, wrong.problem, wrong.help)
    if made.findings:
        return made
    name = vm["metadata"].get("name")
    if type(name) is not str:
        made.lose("metadata.name", "is not said", "write the name that the VM shall have")
        return made
    kinds: dict[str, Tree] = {}
    for which in ("instancetype", "preference"):
        found, missing = matched(vm, which, site.find)
        if missing:
            way = f"give its document beside the VM: `kubectl get {_RESOURCES[which]} {shown(missing)} -o yaml`"
            made.lose(f"spec.{which}", f"`{shown(missing)}` is not known, and says a part of the machine", way)
        kinds[which] = found or {}
    if made.findings:
        return made
    if not is_name(name):
        way = "give a template's parameters their values first, as `oc process` does"
        made.lose("metadata.name", f"`{shown(name)}` is not the name of a Kubernetes object", way)
    known = as_instance(_kept(vm, site, made), kinds, made)
    ledger = Ledger(known["spec"]["template"]["spec"], _SPEC)
    spec: Tree = {"features": {"system": {"type": "other"}}, "domain": {}}
    _system(ledger, spec, made)
    _uuid(vm["metadata"], spec["domain"], made)
    kubevirt_devices.carry(ledger, spec, made)
    secrets = kubevirt_seeds.carry(ledger, spec, vm["metadata"], made)
    kubevirt_devices.without_volume(ledger, spec, made)
    left_over("kubevirt", ledger.left(), made)
    _beside(vm, made)
    metadata = _metadata(known)
    own: Tree = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "VM", "metadata": metadata, "spec": _without_empty(spec)}
    made.objects = [own, *secrets]
    return made


_RESOURCES = {"instancetype": "virtualmachineclusterinstancetype", "preference": "virtualmachineclusterpreference"}


def _kept(vm: Tree, site: Site, made: Converted) -> Tree:
    """The VM with the places that KubeVirt gives it now: its guest knows them."""
    halted = {**vm, "spec": {name: value for name, value in vm["spec"].items() if name != "running"}}
    halted["spec"]["runStrategy"] = "Halted"
    halted.pop("status", None)
    frozen = freeze(halted, {**halted}, site)
    for each in (*frozen.findings, *frozen.warnings):
        made.tell(each.path, each.problem)
    return frozen.vm if type(frozen.vm) is dict else halted


def _system(ledger: Ledger, spec: Tree, made: Converted) -> None:
    system, domain = spec["features"]["system"], spec["domain"]
    arch = ledger.text("architecture") or "amd64"
    if arch in _ARCHITECTURES:
        system["arch"] = _ARCHITECTURES[arch]
    else:
        made.lose(f"{_SPEC}.architecture", f"`{shown(arch)}` is none that is known here")
    system["machine"] = ledger.text("domain", "machine", "type") or {"aarch64": "virt"}.get(
        system.get("arch", ""), "q35"
    )
    if ledger.has("domain", "machine"):
        ledger.empty("domain", "machine")
    if arch == "s390x" and system["machine"] == "q35":
        system["machine"] = "s390-ccw-virtio"
    firmware(ledger, spec, arch)
    memory(ledger, spec, made)
    cpu(ledger, spec, made)
    clock(ledger, domain)
    hypervisor(ledger, domain)


def _uuid(metadata: Tree, domain: Tree, made: Converted) -> None:
    """The UUID that the guest knows where the VM states none; what a cluster has stored has one all the same."""
    if domain.get("uuid"):
        return
    if metadata.get("uid"):
        domain["uuid"] = uuid_of_name(metadata["name"])
        problem = f"is not said: it is `{domain['uuid']}`, which KubeVirt makes of the VM's name"
    else:
        problem = "is not said, and gets drawn: a guest that has started has its own, see `kubectl get -o yaml`"
    made.tell(f"{_SPEC}.domain.firmware.uuid", problem)


def _beside(vm: Tree, made: Converted) -> None:
    """What the VirtualMachine says beside its template."""
    rest = Ledger({name: value for name, value in vm["spec"].items() if name != "template"}, "spec")
    for which in ("instancetype", "preference"):
        rest.take(which)
    left_over("kubevirt", rest.left(), made)
    template = Ledger(vm["spec"]["template"].get("metadata"), "spec.template.metadata")
    for name in _MACHINES:
        template.take("annotations", name)
    left_over("kubevirt", template.left(), made)


def _metadata(vm: Tree) -> Tree:
    """Name, labels and annotations, with those of the template that are the machine's."""
    stated = vm["metadata"]
    name = stated["name"]
    metadata: Tree = {"name": name}
    if type(stated.get("namespace")) is str:
        metadata["namespace"] = stated["namespace"]
    if type(stated.get("labels")) is dict and stated["labels"]:
        metadata["labels"] = stated["labels"]
    listed = stated.get("annotations")
    annotations = {
        key: value
        for key, value in (listed.items() if type(listed) is dict else ())
        if not str(key).startswith(_OF_THE_OBJECT)
    }
    annotations |= {key: value for key, value in annotations_of(vm).items() if key in _MACHINES}
    if annotations:
        metadata["annotations"] = annotations
    return metadata


def _without_empty(tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if value or value is False}
