"""Where a value of the complete spec comes from: the tenant, a feature, or a step of the expansion.

Nothing of that is stored. It is recorded while a new VM is expanded; of a stored one, `spec.features` is expanded
again by the rule set that made it, and the two values are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from webhook.admission.context import AdmissionContext
from webhook.admission.offline import kind_of
from webhook.declare import FieldPath
from webhook.declare.tree import copied
from webhook.declare.withheld import field_at, redacted
from webhook.expand.pipeline import Expanded, Step, expand
from webhook.findings import Finding, Refused
from webhook.kinds import Kind, inspect_spec, spec_shape

Tree = dict[str, Any]
_KEYS = ("name", "timer", "feature")
# The parts of a spec.
_PARTS = ("features", "abi", "domain")
_MEANINGS = {
    Step.MERGED: "merged from `spec.features` and `spec.domain`",
    Step.NAMED: "named after the device's own words",
    Step.BOOT_ORDERED: "boot order: nobody states one, so it is the first disk, CD-ROM drive and NIC",
    Step.COMPLETED: "completed: libvirt or QEMU would otherwise choose it",
    Step.ALLOCATED: "allocated: the place is free on its bus and stays the device's own",
    Step.IDENTIFIED: "identity: made once at random, then kept",
}


@dataclass(slots=True)
class _Trace:
    """An expansion, and the domain as each of its steps left it."""

    spec: Tree
    made: Expanded
    steps: list[tuple[Step, Tree]] = field(default_factory=list)


def explain(obj: Any, path: str, context: AdmissionContext) -> list[str]:
    """The value at a path, and where it comes from, a line each, the deciding one first; raises Refused."""
    kind, findings = kind_of(obj)
    if kind is None:
        raise Refused(findings)
    spec = kind.spec_of(obj)
    reading = inspect_spec(spec, kind.spec_path)
    if reading.findings:
        raise Refused(reading.findings)
    trace = _traced(spec, context, kind)
    inner = _inside(path, kind)
    way = FieldPath.parse(inner)
    value = _at(trace.made.spec, way)
    if value is None or str(way) != inner:
        raise Refused([Finding(path, "is not set in the expanded VM", "see `vmconfig expand` for what is", "path")])
    stored = inner.startswith("domain") and _is_stored(trace)
    reasons = _reasons_of_stored(trace, way, context, kind) if stored else _reasons(trace, way, kind)
    return [f"{path} = {_json(value, way)}", *reasons]


def _traced(spec: Tree, context: AdmissionContext, kind: Kind, known: Tree | None = None) -> _Trace:
    steps: list[tuple[Step, Tree]] = []
    made = expand(spec, context, kind.spec_path, known, lambda step, domain: steps.append((step, copied(domain))))
    return _Trace(spec, made, steps)


def _is_stored(trace: _Trace) -> bool:
    """Whether the spec came out of an expansion: it names its rule set, and there is nothing to add."""
    named = (trace.spec.get("abi") or {}).get("ruleSet")
    return bool(named) and trace.made.spec["domain"] == trace.spec.get("domain")


def _json(value: Any, path: FieldPath) -> str:
    entry = field_at(spec_shape(), path)
    return "null" if entry is None else orjson.dumps(redacted(value, entry)).decode()


def _inside(path: str, kind: Kind) -> str:
    """A path relative to the spec, whether it was given from the object's root or from the domain."""
    for prefix in (f"{kind.spec_path}.", "."):
        path = path.removeprefix(prefix)
    begins = any(name in _PARTS for name, _ in FieldPath.parse(path)[:1])
    return path if begins else f"domain.{path}"


def _reasons(trace: _Trace, path: FieldPath, kind: Kind) -> list[str]:
    """Of a new VM."""
    named = _by_name(trace.made.spec, path)
    if _at(trace.spec, named) is not None or _at(trace.spec, path) is not None:
        return [f"stated by the tenant at {kind.spec_path}.{path}"]
    (part, _), *rest = named
    if part == "abi":
        return ["set by the service when it makes the machine"]
    below, contributions = FieldPath(rest), trace.made.contributions
    lines = [f"asked by {c.origin}" for c in contributions if _at(c.asked, below) is not None]
    lines += [f"default of {c.origin} ({c.because})" for c in contributions if _at(c.default, below) is not None]
    return lines or [_MEANINGS[step] for step in _deciding(trace, below)]


def _deciding(trace: _Trace, below: FieldPath) -> list[Step]:
    """The steps that set or changed a value of the domain, the last one first; each once."""
    found: dict[Step, None] = {}
    before = None
    for step, domain in trace.steps:
        value = _at(domain, below)
        if value != before:
            found = {step: None, **found}
        before = value
    return list(found)


def _reasons_of_stored(trace: _Trace, path: FieldPath, context: AdmissionContext, kind: Kind) -> list[str]:
    """Of a stored VM: whether its rule set makes the value of `spec.features` alone."""
    rule_set, named = trace.spec["abi"]["ruleSet"], _by_name(trace.made.spec, path)
    spec = {"features": trace.spec.get("features") or {}, "abi": {"ruleSet": rule_set}}
    try:
        again = _traced(spec, context, kind, trace.spec["domain"])
    except Refused as refused:
        first = refused.findings[0]
        return [f"stored, stated or changed since: `spec.features` alone is refused: {first.path}: {first.problem}"]
    value = _at(again.made.spec, named)
    if value != _at(trace.spec, path):
        made = "none" if value is None else f"`{_json(value, path)}`"
        return [f"stored, stated or changed since: rule set {rule_set} makes {made} of `spec.features`"]
    reasons = _reasons(again, named, kind)
    if reasons == [_MEANINGS[Step.IDENTIFIED]]:
        return ["stored identity: made once at random or stated, then kept"]
    return [f"stored, as rule set {rule_set} made it", *reasons]


def _by_name(spec: Tree, path: FieldPath) -> FieldPath:
    """The same path with list indices as names: `devices.disks[1]` becomes `devices.disks[my-disk]`."""
    named = FieldPath()
    for name, entry in path:
        here = named.below((name, entry))
        found = _at(spec, here)
        key = next((found[k] for k in _KEYS if isinstance(found, dict) and k in found), None)
        named = named.below((name, key)) if entry and key else here
    return named


def _at(tree: Any, path: FieldPath) -> Any:
    """The value at a path, entries of a list by index or by their key; None where there is none."""
    return path.value(tree, _KEYS)
