"""`vmconfig boot`: the VM of a VirtualMachineConfig, to be created."""

from __future__ import annotations

import argparse

from webhook.admission import offline
from webhook.admission.context import AdmissionContext
from webhook.admission.from_source import machine_of
from webhook.admission.sources import CONFIG, is_whole
from webhook.cli import objects, verbs
from webhook.cli.manifests import Manifest
from webhook.cli.verb import Verb
from webhook.declare.tree import at
from webhook.findings import Finding, Refused
from webhook.kinds import GROUP, VERSION, VM, VM_CONFIG
from webhook.trees import Tree


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    objects.with_objects(parser)
    verbs.with_rules(parser)


def run(given: argparse.Namespace) -> int:
    """Print a VM for each configuration; where one makes none, the findings alone."""
    found = objects.read(given)
    context = verbs.context(given, found.labels)
    return objects.show_made(found.found, lambda one: _vm(one, context), given.output)


def _vm(one: Manifest, context: AdmissionContext) -> Tree:
    """The VM of one configuration; raises Refused."""
    kind, wrong = offline.kind_of(one.obj)
    if kind is not None and kind is not VM_CONFIG:
        wrong = [Finding("kind", f"is {kind.name}, which is none to make a VM of", f"name a {VM_CONFIG.name}", "kind")]
    if wrong:
        raise Refused(wrong)
    spec = offline.inspected(one.obj, VM_CONFIG)
    if not is_whole(spec):
        way = "create it and name it as `vmconfig/NAME`, or keep what `vmconfig expand` prints and give that"
        raise Refused(
            [Finding(VM_CONFIG.spec_path, "is not complete: each boot would be another machine", way, "boot")]
        )
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": VM.name,
        "metadata": _metadata(one),
        "spec": machine_of(spec, context, VM_CONFIG.spec_path),
    }


def _metadata(one: Manifest) -> Tree:
    """The configuration's name, with the labels and annotations of its template."""
    found = at(one.obj, "spec.template.metadata")
    template = found if isinstance(found, dict) else {}
    made: Tree = {"name": one.name, **({"namespace": one.namespace} if one.namespace else {})}
    if template.get("labels"):
        made["labels"] = template["labels"]
    return {**made, "annotations": {**(template.get("annotations") or {}), CONFIG: one.name}}


VERBS = (Verb("boot", "the VM to create of a VirtualMachineConfig", run, add_flags, document=True),)
