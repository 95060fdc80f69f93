"""The CustomResourceDefinitions, written from the declarations."""

from __future__ import annotations

from typing import Any

from webhook.declare import schema
from webhook.kinds.kind import GROUP, KINDS, VERSION, VM, Kind
from webhook.kinds.snapshot import CONFIGURATION, PROVENANCE, SNAPSHOT, snapshot_shape
from webhook.kinds.spec import spec_shape
from webhook.trees import Tree

# Of a Kubernetes object.
_LONGEST_NAME = 253
# Nobody but the service writes there.
_OF_THE_SERVICE = ("tombstones", "removed", "history")


def crds() -> list[Tree]:
    """All CustomResourceDefinitions (apiextensions.k8s.io/v1): structural, with every property real."""
    return [*(_crd(kind, _version(kind)) for kind in KINDS.values()), _crd(SNAPSHOT, _snapshot_version())]


def _crd(kind: Kind, version: Tree) -> Tree:
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.singular,
        "shortNames": list(kind.short_names),
        # Found by `kubectl get all`, as KubeVirt's are.
        "categories": ["all"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": names,
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def _version(kind: Kind) -> Tree:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _object(kind)},
        "subresources": {"status": {}},
        "additionalPrinterColumns": _columns(kind),
    }


def _snapshot_version() -> Tree:
    """Of snapshots, which have no status: what one holds is written once.

    What the service fills in has no fields of its own there: it is stored as the source had it.
    """
    spec: Tree = _unpruned(schema(snapshot_shape()))
    spec["properties"][CONFIGURATION] = {
        "type": "object",
        "description": "The machine at the moment of the snapshot: filled in by the service.",
        "x-kubernetes-preserve-unknown-fields": True,
    }
    spec["properties"][PROVENANCE] = _provenance()
    spec["required"] = ["source"]
    spec["x-kubernetes-validations"] = [{"rule": "self == oldSelf", "message": "a snapshot never changes"}]
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "description": SNAPSHOT.doc,
                "required": ["spec"],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    "spec": spec,
                },
            }
        },
        "additionalPrinterColumns": [
            {"name": "Kind", "type": "string", "jsonPath": ".spec.source.kind"},
            {"name": "Source", "type": "string", "jsonPath": ".spec.source.name"},
            {"name": "Memory", "type": "boolean", "jsonPath": ".spec.memory"},
            {"name": "By", "type": "string", "jsonPath": ".spec.provenance.user", "priority": 1},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        ],
    }


def _provenance() -> Tree:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "Who made the snapshot and with which rights: filled in by the service.",
        "properties": {
            "user": {**text, "description": "Who made it, as the API server names users."},
            "level": {**text, "description": "The policy level of the namespace then."},
            "policy": {**text, "description": "The digest of the policies that were in force."},
            "source": {
                "type": "object",
                "description": "The object that it is of, as it was then.",
                "properties": {"uid": text, "generation": {"type": "integer"}},
            },
            "granted": {
                "type": "array",
                "description": "What the machine had and its maker could not have set, and the rules that refuse it.",
                "items": {"type": "object", "properties": {"path": text, "rule": text}},
            },
        },
    }


def _object(kind: Kind) -> Tree:
    spec: Tree = _with_rules(_unpruned(schema(spec_shape())))
    for key in reversed(kind.spec[1:]):
        inner: Tree = {key: spec}
        if key == "spec":
            inner = {"metadata": _template_metadata(), key: spec}
        spec = {"type": "object", "required": [key], "properties": inner}
    properties: Tree = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": spec,
    }
    if kind is VM:
        properties["status"] = _status()
    return {"type": "object", "description": kind.doc, "required": ["spec"], "properties": properties}


def _with_rules(spec: Tree) -> Tree:
    """What the API server itself can refuse with the webhook gone: a frozen identity that changes or disappears."""
    domain, abi = spec["properties"]["domain"], spec["properties"]["abi"]["properties"]
    abi["tombstones"] = {**_undescribed(abi["tombstones"]), "description": abi["tombstones"]["description"]}
    domain["properties"]["uuid"]["x-kubernetes-validations"] = [
        {"rule": "self == oldSelf", "message": "the guest's UUID is frozen"}
    ]
    spec["x-kubernetes-validations"] = [
        {
            "rule": "!has(oldSelf.domain) || has(self.domain)",
            "message": "spec.domain is the machine's frozen hardware and cannot be removed",
        }
    ]
    return spec


def _unpruned(tree: Tree) -> Tree:
    """A schema that lets names through that it does not know: the webhook refuses them with the nearest one.

    An API server would drop them first, and a client that did not ask for strict validation would never hear of it.
    """
    made = dict(tree)
    if "properties" in tree:
        made["properties"] = {
            name: inner if name in _OF_THE_SERVICE else _unpruned(inner) for name, inner in tree["properties"].items()
        }
        made["x-kubernetes-preserve-unknown-fields"] = True
    if "items" in tree:
        made["items"] = _unpruned(tree["items"])
    return made


def _template_metadata() -> Tree:
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    return {
        "type": "object",
        "description": "Labels and annotations of the VM that is made from the template.",
        "properties": {"labels": texts, "annotations": texts},
    }


def _status() -> Tree:
    """What runs, written by the node's agent; its fields are described where the tenant writes them.

    A configuration has one writer, who writes it whole: owners of its single fields would cost more than it does.
    """
    domain = {**_undescribed(schema(spec_shape())["properties"]["domain"]), "x-kubernetes-map-type": "atomic"}
    return {
        "type": "object",
        "description": "What runs: written by the node's agent.",
        "properties": {
            "phase": {"type": "string", "maxLength": _LONGEST_NAME},
            "node": {"type": "string", "maxLength": _LONGEST_NAME},
            "desired": {**domain, "description": "The configuration that the running machine shall have."},
            "current": {**domain, "description": "The configuration that the running machine has."},
        },
    }


def _columns(kind: Kind) -> list[Tree]:
    base = f".{kind.spec_path}"
    shown = [
        ("Guest", "string", f"{base}.features.system.type"),
        ("Memory (MiB)", "string", f"{base}.domain.memory.size"),
        ("CPUs", "integer", f"{base}.domain.vcpu.current"),
        ("Machine", "string", f"{base}.domain.os.type.machine"),
        ("Age", "date", ".metadata.creationTimestamp"),
    ]
    return [{"name": name, "type": type_, "jsonPath": path} for name, type_, path in shown]


def _undescribed(tree: Any) -> Any:
    """A schema without its descriptions; a property that has that name keeps it."""
    if isinstance(tree, list):
        return [_undescribed(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    return {
        key: _undescribed(value) for key, value in tree.items() if key != "description" or not isinstance(value, str)
    }
