"""What becomes of the devices of `fakes/` over a VM's life, as JSON: run where they are among the declarations."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.offline import expand_object, review_of
from webhook.admission.validate import validate
from webhook.consistency import consistent
from webhook.declare.tree import copied
from webhook.expand.pipeline import extend
from webhook.findings import Finding
from webhook.kinds import VM
from webhook.kinds.crd import crds
from webhook.kinds.spec import declared_fields
from webhook.libvirt.capturing.capture import capture
from webhook.libvirt.importing.imported import Map, import_domain
from webhook.libvirt.xml.render import render
from webhook.policy import Policies, shipped
from webhook.trees import Tree

CONTEXT = AdmissionContext(Policies(shipped(), declared_fields()))
FAKES = ("clockcards", "lamps", "bells")
DEVICES: Tree = {
    "clockcards": [{"model": "tick", "serial": "C1"}, {"name": "second", "serial": "C2"}],
    "lamps": [{"name": "lamp", "claim": "picture", "colour": "red"}],
    "bells": [{"sound": "ding"}, {"sound": "silence"}],
}


def vm(devices: Tree, arch: str = "x86_64", machine: str = "") -> Tree:
    system = {"type": "linux", "arch": arch}
    os = {"os": {"type": {"machine": machine}}} if machine else {}
    spec = {"features": {"memory": 1024, "system": system}, "domain": {**os, "devices": devices}}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm"}, "spec": spec}


def texts(findings: Any) -> list[str]:
    return [f"{finding.path}: {finding.problem}" for finding in findings]


def fakes(devices: Tree) -> Tree:
    return {listed: devices[listed] for listed in FAKES if listed in devices}


def updated(stored: Tree, devices: Tree) -> tuple[Tree, list[str]]:
    """A stored VM after an update that states these fake devices, and what the validator finds."""
    spec = copied(stored["spec"])
    spec["domain"]["devices"] |= devices
    made: Tree = {**stored, "spec": extend(spec, stored["spec"], CONTEXT, "spec").spec}
    return made, verdict(stored, made)


def verdict(stored: Tree, made: Tree) -> list[str]:
    review = replace(review_of(made, VM), operation="UPDATE", old_object=stored)
    return texts(validate(review, CONTEXT).findings)


def found_anew(xml: str) -> str:
    """A dump of the domain by a host that names no device."""
    return "\n".join(line for line in xml.splitlines() if "<alias" not in line)


def created(stored: Tree, findings: list[Finding]) -> Tree:
    """How they are placed, on three machines."""
    domain = stored["spec"]["domain"]
    conventional, _, _ = expand_object(vm(DEVICES, machine="pc-i440fx-7.2"), CONTEXT)
    assert conventional is not None
    return {
        "created": fakes(domain["devices"]),
        "created_findings": texts(findings),
        "controllers": [f"{entry['type']}-{entry['index']}" for entry in domain["devices"]["controllers"]],
        "conventional": fakes(conventional["spec"]["domain"]["devices"]),
        "ccw": texts(mutate(review_of(vm({"clockcards": [{}]}, "s390x"), VM), CONTEXT).findings),
    }


def judged(stored: Tree) -> Tree:
    """What is refused of them."""
    open_domain = copied(stored["spec"]["domain"])
    for listed in FAKES:
        for device in open_domain["devices"][listed]:
            device.pop("address", None)
    open_domain["devices"]["bells"][0].pop("serial")
    hosts = vm({"clockcards": [{"path": "/etc/passwd"}], "lamps": [{"type": "real"}]})
    moved = copied(stored)
    moved["spec"]["domain"]["devices"]["lamps"][0]["address"] = "usb:0:9"
    return {
        "open": texts(consistent(open_domain, "spec.domain")),
        "denied": texts(expand_object(hosts, CONTEXT)[1]),
        "moved": verdict(stored, moved),
    }


def in_xml(stored: Tree) -> Tree:
    """What they are in libvirt's XML, and read from it."""
    domain = stored["spec"]["domain"]
    xml = render(domain, "vm")
    unplaced = copied(domain)
    unplaced["devices"]["clockcards"] = [{"name": "clockcard", "serial": "C1"}]
    of_a_host = xml.replace("</lamp>", "<source file='/images/lamp.img'/></lamp>")
    real = xml.replace("<lamp ", "<lamp type='real' ")
    claims = Map({"/images/lamp.img": "picture"}, {})
    return {
        "xml": xml,
        "imported": fakes(import_domain(of_a_host, claims).domain["devices"]),
        "left": texts(import_domain(real, claims).left),
        "captured": fakes(capture(unplaced, found_anew(xml)).domain["devices"]),
    }


def frozen(stored: Tree) -> Tree:
    """What an update makes of them that takes one away, and another one that wants what was its own."""
    brief = {"clockcards": [{"name": "clockcard"}], "lamps": [{"name": "lamp"}]}
    kept, findings = updated(stored, brief)
    _, stolen = updated(kept, {"clockcards": [{"name": "clockcard"}, {"name": "thief", "serial": "C2"}]})
    return {
        "kept": fakes(kept["spec"]["domain"]["devices"]),
        "kept_findings": findings,
        "tombstones": kept["spec"]["abi"]["tombstones"],
        "stolen": stolen,
    }


def declared() -> Tree:
    """Where policies and the CRD have them."""
    fields = {path: str(place.field_class) for path, place in declared_fields().items() if "clockcards[*]" in path}
    version: Tree = crds()[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    devices = version["properties"]["domain"]["properties"]["devices"]["properties"]
    return {"fields": fields, "schema": sorted(devices)}


def life() -> Tree:
    stored, findings, _ = expand_object(vm(DEVICES), CONTEXT)
    assert stored is not None, texts(findings)
    return {**created(stored, findings), **judged(stored), **in_xml(stored), **frozen(stored), **declared()}


if __name__ == "__main__":
    print(json.dumps(life()))
