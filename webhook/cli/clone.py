"""`vmconfig clone`: the manifest of a VM like another one, with identities of its own."""

from __future__ import annotations

import argparse
from dataclasses import replace

from webhook.abi.acceptance import ANNOTATION as ACCEPTANCE
from webhook.admission import offline
from webhook.admission.context import AdmissionContext
from webhook.admission.from_source import sharing
from webhook.admission.sources import CLONE, CONFIG
from webhook.cli import objects, seeds, verbs
from webhook.cli.manifests import Manifest
from webhook.cli.names import object_name
from webhook.cli.verb import Verb
from webhook.expand.renewal import renewed
from webhook.findings import Finding, Refused
from webhook.trees import Tree

# What says where the source came from, what was accepted of it, and what kubectl last applied.
_OF_THE_SOURCE = {CONFIG, CLONE, ACCEPTANCE, "kubectl.kubernetes.io/last-applied-configuration"}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    objects.with_objects(parser)
    parser.add_argument("--name", type=object_name, help="the clone's name (default: the source's, with -clone)")
    seeds.with_seed(parser)
    verbs.with_rules(parser)


def run(given: argparse.Namespace) -> int:
    """Print a clone of each object; where one has none, the findings alone."""
    found = objects.read(given)
    if given.name and len(found.found) > 1:
        way = "leave the name out: each clone has its source's, with -clone"
        raise Refused([Finding("--name", f"is one name for {len(found.found)} clones", way, "clone")])
    if given.name and given.name == found.found[0].name:
        way = "give the clone a name of its own, or leave the name out"
        raise Refused([Finding("--name", f"`{given.name}` is the source's own name", way, "clone")])
    context = verbs.context(given, found.labels)
    return objects.show_made(
        found.found,
        lambda one: _clone(one, given.name or f"{one.name}-clone", _seeded(context, given.seed, one)),
        given.output,
    )


def _seeded(context: AdmissionContext, seed: str | None, one: Manifest) -> AdmissionContext:
    return context if seed is None else replace(context, entropy=seeds.entropy(seed, one))


def _clone(one: Manifest, name: str, context: AdmissionContext) -> Tree:
    """The clone of one object; raises Refused. Says which claims it shares with its source."""
    kind, wrong = offline.kind_of(one.obj)
    if kind is None:
        raise Refused(wrong)
    source = offline.inspected(one.obj, kind)
    spec: Tree = renewed(source, context.entropy)
    told = sharing(spec, source)
    if told:
        verbs.warn([told], one)
    for key in reversed(kind.spec[1:]):
        spec = {**_beside(one.obj, kind.spec, key), key: spec}
    return {"apiVersion": one.obj["apiVersion"], "kind": kind.name, "metadata": _metadata(one, name), "spec": spec}


def _beside(obj: Tree, spec: tuple[str, ...], key: str) -> Tree:
    """What stands beside the spec at this step of the way to it, such as the template's metadata."""
    for step in spec[: spec.index(key, 1)]:
        obj = obj[step]
    return {name: value for name, value in obj.items() if name != key}


def _metadata(one: Manifest, name: str) -> Tree:
    """The clone's name, with the labels and annotations of the source that are not about the source alone."""
    metadata = one.obj.get("metadata") if isinstance(one.obj.get("metadata"), dict) else {}
    made: Tree = {"name": name, **({"namespace": one.namespace} if one.namespace else {})}
    if metadata.get("labels"):
        made["labels"] = metadata["labels"]
    annotations = metadata.get("annotations")
    kept = {key: value for key, value in (annotations or {}).items() if key not in _OF_THE_SOURCE}
    return {**made, "annotations": kept} if kept else made


VERBS = (Verb("clone", "a VM like another one, with identities of its own", run, add_flags, document=True),)
