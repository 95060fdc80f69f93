"""The verb that starts one VM in the libvirt of this machine, without Kubernetes: `run`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from webhook.admission import offline
from webhook.cli import objects, verbs
from webhook.cli.host import at_host, host_of, this_host, with_host
from webhook.cli.manifests import Manifest, Manifests
from webhook.cli.verb import Verb
from webhook.declare.tree import copied
from webhook.expand.naming import name_devices
from webhook.findings import Finding, Refused
from webhook.kinds import KINDS
from webhook.trees import Tree

if TYPE_CHECKING:
    from webhook.libvirt.host.facts import Host


_STOPPED = "is stopped; libvirt has nothing of it any more"


def _flags(parser: argparse.ArgumentParser) -> None:
    objects.with_objects(parser)
    verbs.with_rules(parser)
    with_host(parser, "this machine's host file (default: what `vmconfig host` finds)")
    parser.add_argument("--stop", action="store_true", help="end the VM and remove all that libvirt has of it")


def run(given: argparse.Namespace) -> int:
    """Start the VM and say how to see it; as YAML or JSON print it as it is captured, for the next start."""
    from webhook.libvirt.bundle import bundle
    from webhook.libvirt.running import emulated, marked, start, stop, ways_in

    found = objects.read(given)
    one = _one(found)
    if given.stop:
        name = _name(one.obj)
        stop(name)
        print(f"{name} {_STOPPED}", file=sys.stderr)
        return 0
    host = host_of(given.host) if given.host else _this()
    context = at_host(verbs.context(given, found.labels), given, host, one.obj)
    complete, findings, warnings = offline.expand_object(one.obj, context, verbs.requester(given))
    verbs.warn(warnings, one)
    if findings or complete is None:
        return verbs.refuse(one.about(findings), given.output)
    domain, name, namespace = offline.domain_of(complete)
    made = bundle(marked(domain), name, host, namespace, f"{KINDS[complete['kind']].spec_path}.domain")
    if made.secrets:
        raise Refused([*_unknown_secrets(domain)])
    xml = start(made, name)
    out = sys.stdout if given.output == "text" else sys.stderr
    print(f"{name} runs{', emulated: there is no KVM for it here' if emulated(xml) else ''}", file=out)
    for what, way in ways_in(xml, name):
        print(f"{what}: {way}", file=out)
    return _captured(complete, xml, given.output, typed=_states_type(one.obj))


def _states_type(obj: Any) -> bool:
    """Whether the VM itself says that it is emulated or not; else that is the host's business, each time anew."""
    return "type" in (KINDS[obj["kind"]].spec_of(obj).get("domain") or {})


def _captured(complete: Tree, xml: str, output: str, *, typed: bool) -> int:
    """Capture what libvirt added, and print the VM where an output is asked for; findings where the two disagree."""
    from webhook.libvirt.capturing.capture import capture

    kind = KINDS[complete["kind"]]
    captured = capture(kind.spec_of(complete)["domain"], xml, f"{kind.spec_path}.domain")
    name_devices(captured.domain.get("devices", {}))
    for place in captured.added:
        print(f"captured: {place}", file=sys.stderr)
    if captured.findings:
        return verbs.refuse(captured.findings, output)
    if output != "text":
        made = copied(complete)
        kind.spec_of(made)["domain"] = captured.domain
        if not typed:
            captured.domain.pop("type", None)
        verbs.show([made], output)
    return 0


def _one(found: Manifests) -> Manifest:
    if len(found.found) != 1:
        problem = f"are {len(found.found)}, and one is started at a time"
        raise Refused([Finding("VMs", problem, "name a file that holds the one VM", "kind")])
    return found.found[0]


def _name(vm: Any) -> str:
    kind, findings = offline.kind_of(vm)
    if kind is None:
        raise Refused(findings)
    return offline.review_of(vm, kind).name or "vm"


def _this() -> Host:
    from webhook.libvirt.host.facts import read_host

    return read_host(this_host(), "this machine")


def _unknown_secrets(domain: Tree) -> list[Finding]:
    """Secrets that the VM names: what is in them is known to a cluster alone."""
    devices = domain.get("devices") or {}
    named = [
        (f"spec.domain.devices.disks[{index}].encryption.secretName", (disk.get("encryption") or {}).get("secretName"))
        for index, disk in enumerate(devices.get("disks", ()))
    ]
    named.append(("spec.domain.devices.tpm.secretName", (devices.get("tpm") or {}).get("secretName")))
    way = (
        "leave the encryption out here, or define the documents of `vmconfig render --host` and set the value by virsh"
    )
    return [
        Finding(place, "names a Secret, and there is no cluster to ask", way, "run") for place, name in named if name
    ]


VERBS = (
    Verb("run", "start a VM in the libvirt of this machine, or stop it: no Kubernetes", run, _flags, document=True),
)
