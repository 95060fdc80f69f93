"""Where a value of the complete spec comes from: the tenant, a feature, or a step of the expansion.

Nothing of that is stored. It is recorded while a new VM is expanded; of a stored one, `spec.features` is expanded
again by the rule set that made it, and the two values are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from webhook.abi.origin import is_imported
from webhook.admission.context import AdmissionContext
from webhook.admission.offline import kind_of
from webhook.declare import FieldPath
from webhook.declare.tree import copied
from webhook.declare.withheld import field_at, redacted
from webhook.expand.pipeline import Expanded, Step, expand
from webhook.findings import Finding, Refused
from webhook.kinds import Kind, inspect_spec, spec_shape
from webhook.trees import Tree

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

_IMPORTED = "as imported: the machine was found so, and best practice adds nothing to it"


@dataclass(slots=True)
class _Trace:
    """An expansion, and the domain as each of its steps left it."""

    spec: Tree
    made: Expanded
    steps: list[tuple[Step, Tree]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A value of a complete VM, without what may be a secret, and where it comes from, the deciding reason first."""

    path: str
    value: Any
    reasons: list[str]

    @property
    def text(self) -> str:
        """The value as JSON."""
        return orjson.dumps(self.value).decode()

    def as_dict(self) -> Tree:
        """All of it as a JSON object."""
        return {"path": self.path, "value": self.value, "reasons": self.reasons}


def explain(obj: Any, path: str, context: AdmissionContext) -> list[Explanation]:
    """The value at a path and where it comes from; without a path every value of the domain. Raises Refused."""
    kind, findings = kind_of(obj)
    if kind is None:
        raise Refused(findings)
    spec = kind.spec_of(obj)
    reading = inspect_spec(spec, kind.spec_path)
    if reading.findings:
        raise Refused(reading.findings)
    trace = _traced(spec, context, kind)
    again = _again(trace, context, kind) if _is_stored(trace) else None
    paths = [path] if path else [f"{kind.spec_path}.{way}" for way in _leaves(trace.made.spec["domain"], "domain")]
    return [_explained(trace, again, one, kind) for one in paths]


def _explained(trace: _Trace, again: _Trace | Finding | None, path: str, kind: Kind) -> Explanation:
    """One value. `again` is what the features of a stored VM make alone, or why they make nothing."""
    inner = _inside(path, kind)
    way = FieldPath.parse(inner)
    value = _at(trace.made.spec, way)
    if value is None or str(way) != inner:
        raise Refused([Finding(path, "is not set in the expanded VM", "see `vmconfig expand` for what is", "path")])
    if inner.startswith("domain") and is_imported(trace.spec.get("abi") or {}) and _at(trace.spec, way) == value:
        return Explanation(path, _shown(value, way), [_IMPORTED])
    if again is None or not inner.startswith("domain"):
        return Explanation(path, _shown(value, way), _reasons(trace, way, kind))
    return Explanation(path, _shown(value, way), _reasons_of_stored(trace, again, way, kind))


def _leaves(tree: Any, path: str) -> Iterator[str]:
    """The paths of the values in a tree; a list of plain values is one."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from _leaves(value, f"{path}.{name}")
    elif isinstance(tree, list) and any(isinstance(entry, dict) for entry in tree):
        for index, entry in enumerate(tree):
            yield from _leaves(entry, f"{path}[{index}]")
    else:
        yield path


def _traced(spec: Tree, context: AdmissionContext, kind: Kind, known: Tree | None = None) -> _Trace:
    steps: list[tuple[Step, Tree]] = []
    made = expand(spec, context, kind.spec_path, known, lambda step, domain: steps.append((step, copied(domain))))
    return _Trace(spec, made, steps)


def _is_stored(trace: _Trace) -> bool:
    """Whether the spec came out of an expansion: it names its rule set, and there is nothing to add."""
    named = (trace.spec.get("abi") or {}).get("ruleSet")
    return bool(named) and trace.made.spec["domain"] == trace.spec.get("domain")


def _shown(value: Any, path: FieldPath) -> Any:
    """A value without what may be a secret."""
    entry = field_at(spec_shape(), path)
    return None if entry is None else redacted(value, entry)


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


def _again(trace: _Trace, context: AdmissionContext, kind: Kind) -> _Trace | Finding:
    """What the rule set of a stored VM makes of `spec.features` alone, or why it makes nothing."""
    spec = {"features": trace.spec.get("features") or {}, "abi": {"ruleSet": trace.spec["abi"]["ruleSet"]}}
    try:
        return _traced(spec, context, kind, trace.spec["domain"])
    except Refused as refused:
        return refused.findings[0]


def _reasons_of_stored(trace: _Trace, again: _Trace | Finding, path: FieldPath, kind: Kind) -> list[str]:
    """Of a stored VM: whether its rule set makes the value of `spec.features` alone."""
    rule_set, named = trace.spec["abi"]["ruleSet"], _by_name(trace.made.spec, path)
    if isinstance(again, Finding):
        first = again
        return [f"stored, stated or changed since: `spec.features` alone is refused: {first.path}: {first.problem}"]
    value = _at(again.made.spec, named)
    if value != _at(trace.spec, path):
        made = "none" if value is None else f"`{orjson.dumps(_shown(value, path)).decode()}`"
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
