"""The same admission without a cluster: for the command line, on a file's object instead of a review."""

from __future__ import annotations

from typing import Any

import orjson

from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.review import Review, Verdict
from webhook.admission.validate import validate
from webhook.declare.tree import copied
from webhook.declare.withheld import field_at, redacted
from webhook.expand.pipeline import Expanded, expand
from webhook.findings import Finding, Findings, Refused
from webhook.kinds import GROUP, KINDS, VERSION, Kind, inspect_spec, spec_shape

Tree = dict[str, Any]


def expand_object(obj: Any, context: AdmissionContext) -> tuple[Tree | None, list[Finding], list[str]]:
    """The object with its complete spec, as it would be stored on create; with findings, None."""
    kind, findings = kind_of(obj)
    if kind is None:
        return None, findings, []
    verdict = mutate(review_of(obj, kind), context)
    if not verdict.allowed:
        return None, found(verdict), list(verdict.warnings)
    made = completed(obj, kind, context)
    final = validate(review_of(made, kind), context)
    return made, found(final), list(final.warnings)


def found(verdict: Verdict) -> Findings:
    """A verdict's findings, and whether there may be more."""
    findings = Findings(verdict.findings)
    findings.cut = verdict.cut
    return findings


def completed(obj: Tree, kind: Kind, context: AdmissionContext) -> Tree:
    """A copy of the object with its spec complete; raises Refused."""
    made: Tree = copied(obj)
    holder = made
    for key in kind.spec[:-1]:
        holder = holder[key]
    holder[kind.spec[-1]] = expand(kind.spec_of(obj), context, kind.spec_path).spec
    return made


def check(obj: Any, context: AdmissionContext) -> tuple[list[Finding], list[str]]:
    """All findings and warnings that the webhook would give on create."""
    _, findings, warnings = expand_object(obj, context)
    return findings, warnings


def explain(obj: Any, path: str, context: AdmissionContext) -> list[str]:
    """Where the value at a path came from, a line each, the deciding one first; raises Refused."""
    kind, findings = kind_of(obj)
    if kind is None:
        raise Refused(findings)
    spec = kind.spec_of(obj)
    reading = inspect_spec(spec, kind.spec_path)
    if reading.findings:
        raise Refused(reading.findings)
    made = expand(spec, context, kind.spec_path)
    inner = _inside(path, kind)
    value = look(made.spec, inner)
    if value is None:
        raise Refused([Finding(path, "is not set in the expanded VM", "see `vmconfig expand` for what is", "path")])
    entry = field_at(spec_shape(), inner)
    told = "null" if entry is None else orjson.dumps(redacted(value, entry)).decode()
    return [f"{path} = {told}", *_reasons(spec, made, inner, kind)]


def _inside(path: str, kind: Kind) -> str:
    """A path relative to the spec, whether it was given from the object's root or from the domain."""
    for prefix in (f"{kind.spec_path}.", "."):
        path = path.removeprefix(prefix)
    return path if path.split(".")[0].split("[")[0] in ("features", "abi", "domain") else f"domain.{path}"


def _reasons(spec: Tree, made: Expanded, inner: str, kind: Kind) -> list[str]:
    named = _by_name(made.spec, inner)
    if look(spec, named) is not None or look(spec, inner) is not None:
        return [f"stated by the tenant at {kind.spec_path}.{inner}"]
    below = named.removeprefix("domain.")
    lines = [f"asked by {c.origin}" for c in made.contributions if look(c.asked, below) is not None]
    lines += [f"default of {c.origin} ({c.because})" for c in made.contributions if look(c.default, below) is not None]
    return lines or [_given(named)]


def _given(named: str) -> str:
    """What no feature and no tenant says comes from the ABI's own parts."""
    if ".address" in named or ".controllers" in named or named.endswith(".target.dev"):
        return "allocated: the place is free on its bus and stays the device's own"
    if named.endswith((".uuid", ".mac.address", ".serial")):
        return "identity: made once at random, then kept"
    if named.endswith(".name"):
        return "named after the device's own words"
    return "completed: libvirt or QEMU would otherwise choose it"


def _by_name(spec: Tree, path: str) -> str:
    """The same path with list indices as names: `devices.disks[1]` becomes `devices.disks[my-disk]`."""
    named: list[str] = []
    for part in path.split("."):
        name, _, index = part.partition("[")
        entry = look(spec, ".".join([*named, part]))
        key = next((entry[k] for k in ("name", "timer", "feature") if isinstance(entry, dict) and k in entry), None)
        named.append(f"{name}[{key}]" if index and key else part)
    return ".".join(named)


def look(tree: Any, path: str) -> Any:
    """The value at a dotted path, entries of a list by index or by their key; None where there is none."""
    for part in path.split("."):
        name, _, index = part.partition("[")
        tree = tree.get(name) if isinstance(tree, dict) else None
        if index and isinstance(tree, list):
            tree = _entry(tree, index.removesuffix("]"))
        elif index:
            return None
    return tree


def _entry(entries: list[Any], key: str) -> Any:
    if key.isdigit() and int(key) < len(entries):
        return entries[int(key)]
    return next(
        (e for e in entries if isinstance(e, dict) and key in (e.get("name"), e.get("timer"), e.get("feature"))), None
    )


def kind_of(obj: Any) -> tuple[Kind | None, list[Finding]]:
    """The kind of a manifest's object, or what is wrong with its head."""
    if not isinstance(obj, dict):
        return None, [Finding("$", "is no object", "a manifest begins with `apiVersion` and `kind`", "kind")]
    kind = KINDS.get(obj["kind"]) if isinstance(obj.get("kind"), str) else None
    if kind is None:
        known = ", ".join(f"`{name}`" for name in KINDS)
        return None, [Finding("kind", f"is none of {known}", "vmconfig admits these kinds alone", "kind")]
    if obj.get("apiVersion") != f"{GROUP}/{VERSION}":
        return None, [Finding("apiVersion", f"is not `{GROUP}/{VERSION}`", "write it so", "kind")]
    return kind, []


def review_of(obj: Tree, kind: Kind) -> Review:
    """A creation of the object, as an API server would ask about it."""
    metadata = obj.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    namespace, name = metadata.get("namespace"), metadata.get("name")
    return Review(
        uid="offline",
        operation="CREATE",
        kind=kind.name,
        namespace=namespace if isinstance(namespace, str) else "default",
        name=name if isinstance(name, str) else "",
        object=obj,
        old_object=None,
        user="",
        groups=(),
        dry_run=True,
        subresource="",
    )


def domain_of(obj: Tree) -> tuple[Tree, str, str]:
    """The domain of a complete object, its name and its namespace."""
    kind = KINDS[obj["kind"]]
    asked = review_of(obj, kind)
    return kind.spec_of(obj)["domain"], asked.name or "vm", asked.namespace
