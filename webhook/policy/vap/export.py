"""The policies of a folder as ValidatingAdmissionPolicies and their bindings: one a level, for every kind.

A level's policy is bound to the namespaces that choose it with the label; namespaces without a label have the default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from webhook.declare import DeclaredField, FieldClass
from webhook.findings import Finding
from webhook.policy.engine.engine import Engine
from webhook.policy.language.model import LABELS, LEVELS, Rule
from webhook.policy.loading.load import Loaded
from webhook.policy.vap.cel import KNOWN, table, text
from webhook.policy.vap.kubevirt import ObjectParts, around
from webhook.policy.vap.tables import tables
from webhook.policy.vap.verdicts import Verdicts, unexported
from webhook.policy.vap.walk import REFUSED, Walk
from webhook.trees import Tree

API_VERSION = "admissionregistration.k8s.io/v1"
NAME = "vmconfig"
# Of a message, what surely fits into the 5 KiB that the API server takes.
_LONGEST = 3000
# In a VM that follows the newest rule set devices may move (admission/policy_check.py).
LATEST = text("latest")
# What CEL's parser takes of one expression, in characters.
_LARGEST = 100_000


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of object that holds a VM's spec: its API group, version, plural and kind, and the keys to the spec."""

    group: str
    version: str
    plural: str
    kind: str
    spec: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectKinds:
    """The kinds of one API: how their policies are named, the variables of what is judged, of what and when."""

    name: str
    around: Mapping[str, str]
    rules: list[Tree]
    conditions: list[Tree]
    # Whether who may not set a field of a host class may not take it away either, once it is stored.
    keeps: bool = True


_CHANGED_SPEC = [
    {
        "name": "spec-is-new-or-changed",
        "expression": "oldObject == null || dyn(object).?spec != dyn(oldObject).?spec",
    }
]


@dataclass(frozen=True, slots=True)
class Export:
    """The objects; findings are rules that could not be expressed, notes are rules that are the webhook's alone."""

    documents: list[Tree]
    findings: list[Finding]
    notes: list[Finding]


def export(
    loaded: Loaded,
    targets: Sequence[Target],
    without: Sequence[str],
    classes: Mapping[str, Mapping[str, FieldClass]] | None = None,
) -> Export:
    """Everything that the policies decide about values, for these kinds, in all namespaces but `without`.

    `classes` are those of single values where the site has others than are declared, by declared path.
    """
    own = ObjectKinds(NAME, _around(targets), [_rule(targets)], _CHANGED_SPEC)
    return _export(loaded.engine, loaded.digest, own, without, classes or {})


def export_kubevirt(
    loaded: Loaded,
    targets: Sequence[ObjectParts],
    annotations: Mapping[str, str],
    controllers: Sequence[str],
    without: Sequence[str],
) -> Export:
    """The same of the policies about KubeVirt's own virtual machines, for these kinds.

    `annotations` are those that act, each with the name that policies have for it; `controllers` are users who pass.
    """
    assert loaded.kubevirt is not None  # noqa: S101 - whoever exports them has read them
    conditions = [
        {"name": "object-is-new-or-changed", "expression": "oldObject == null || dyn(object) != dyn(oldObject)"},
        {
            "name": "not-by-kubevirts-controllers",
            "expression": f"!(request.userInfo.username in [{', '.join(map(text, controllers))}])",
        },
    ]
    rules = [
        {
            "apiGroups": [each.group],
            "apiVersions": ["*"],
            "operations": ["CREATE", "UPDATE"],
            "resources": [each.plural],
            "scope": "Namespaced",
        }
        for each in targets
    ]
    theirs = ObjectKinds(f"{NAME}-kubevirt", around(targets, annotations), rules, conditions, keeps=False)
    return _export(loaded.kubevirt, loaded.digest, theirs, without, {})


def _export(
    engine: Engine,
    digest: str,
    kinds: ObjectKinds,
    without: Sequence[str],
    classes: Mapping[str, Mapping[str, FieldClass]],
) -> Export:
    today = engine.today()
    documents: list[Tree] = []
    bindings: list[Tree] = []
    findings: dict[str, Finding] = {}
    notes: dict[str, Finding] = {}
    for level in LEVELS:
        verdicts = Verdicts(engine.policies, engine.declared_fields, level, today, classes, keeps=kinds.keeps)
        variables = _needed(
            {
                **kinds.around,
                **_known(engine.declared_fields),
                **verdicts.conditions,
                **Walk(tables(verdicts)).variables(),
            }
        )
        annotations = _annotations(digest, verdicts)
        documents.append(_policy(level, kinds, without, variables, annotations))
        bindings += _bindings(kinds.name, level, level == engine.default_level, annotations)
        findings |= verdicts.findings | _too_large(f"{kinds.name}-{level}", variables)
        notes |= {rule.id: _note(rule) for rule in unexported(engine.policies, level)}
    return Export([*documents, *bindings], list(findings.values()), list(notes.values()))


def _annotations(digest: str, verdicts: Verdicts) -> dict[str, str]:
    """Which policies they are, and the first day on which an exception among them does not hold any more."""
    made = {"vmconfig.kubevirt.io/policies": digest}
    if ends := [each.until for _, each in verdicts.exemptions]:
        made["vmconfig.kubevirt.io/stale-from"] = (min(ends) + timedelta(days=1)).isoformat()
    return made


def _note(rule: Rule) -> Finding:
    about = "what a requester writes, before it is completed" if rule.stated else "no field that is there"
    problem = f"rule `{rule.id}` is about {about}; it is left to the webhook"
    return Finding(rule.where, problem, "while the webhook is gone, nobody refuses what it refuses", "policy")


def _too_large(policy: str, variables: Mapping[str, str]) -> dict[str, Finding]:
    """Expressions that the API server would not take."""
    way = "conditions on values of a whole class are long: name paths, or write one condition for several rules"
    return {
        f"{policy} {name}": Finding(
            policy,
            f"the expression `{name}` has {len(formula)} characters, at most {_LARGEST} are taken",
            way,
            "policy",
        )
        for name, formula in variables.items()
        if len(formula) > _LARGEST
    }


def _around(targets: Sequence[Target]) -> dict[str, str]:
    """Where the spec stands, the spec, the stored one as an optional, and whether its devices may move."""
    return {
        "root": _by_kind(targets, lambda keys: text(".".join(keys))),
        "spec": _by_kind(targets, lambda keys: f"dyn(object){''.join(f'.?{key}' for key in keys)}.orValue({{}})"),
        "old": "oldObject == null ? optional.none() : "
        + _by_kind(targets, lambda keys: f"optional.of(dyn(oldObject)){''.join(f'.?{key}' for key in keys)}"),
        "moves": "[dyn(variables.spec), dyn(dyn(variables.old).orValue({}))]"
        f".exists(s, s.?abi.?policy == optional.of({LATEST}))",
    }


def _known(declared_fields: Mapping[str, DeclaredField]) -> dict[str, str]:
    """The names that are known of fields, by what they are of."""
    tables = [
        each.field.scalar.known for each in declared_fields.values() if each.field.scalar and each.field.scalar.known
    ]
    found = {known.what: dict.fromkeys(sorted(known.names), "") for known in (each() for each in tables)}
    return {KNOWN: table(found)} if found else {}


def _by_kind(targets: Sequence[Target], of: Callable[[tuple[str, ...]], str]) -> str:
    *others, last = targets
    tests = "".join(f"object.kind == {text(each.kind)} ? {of(each.spec)} : " for each in others)
    return f"({tests}{of(last.spec)})" if others else of(last.spec)


def _needed(variables: Mapping[str, str]) -> dict[str, str]:
    """Without those that no later one mentions: the last is what it is all for."""
    used = {REFUSED}
    for name, formula in reversed(list(variables.items())):
        if name in used:
            used.update(re.findall(r"variables\.(\w+)", formula))
    return {name: formula for name, formula in variables.items() if name in used}


def _policy(
    level: str,
    kinds: ObjectKinds,
    without: Sequence[str],
    variables: Mapping[str, str],
    notes: Mapping[str, str],
) -> Tree:
    message = (
        f"variables.refused.size() > {_LONGEST} ? variables.refused.substring(0, {_LONGEST}) + ' …' : variables.refused"
    )
    return {
        "apiVersion": API_VERSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": _metadata(f"{kinds.name}-{level}", notes),
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "resourceRules": kinds.rules,
                "namespaceSelector": {"matchExpressions": [_not_in("kubernetes.io/metadata.name", without)]},
            },
            "matchConditions": kinds.conditions,
            "variables": [{"name": name, "expression": formula} for name, formula in variables.items()],
            "validations": [
                {
                    "expression": "variables.refused == ''",
                    "reason": "Forbidden",
                    "message": f"holds fields that the level {level} does not allow; `vmconfig check` names them",
                    "messageExpression": f"{text(f'not allowed at the level {level}: ')} + ({message})",
                }
            ],
        },
    }


def _rule(targets: Sequence[Target]) -> Tree:
    return {
        "apiGroups": sorted({each.group for each in targets}),
        "apiVersions": sorted({each.version for each in targets}),
        "operations": ["CREATE", "UPDATE"],
        "resources": [each.plural for each in targets],
        "scope": "Namespaced",
    }


def _bindings(name: str, level: str, default: bool, notes: Mapping[str, str]) -> Iterator[Tree]:
    """To the namespaces that name the level, and to those that name none where it is the default."""
    label = LABELS["enforce"]
    if level == LEVELS[0]:
        # A word that is no level counts as the strictest one.
        chosen = [{"key": label, "operator": "Exists"}, _not_in(label, LEVELS[1:])]
    else:
        chosen = [{"key": label, "operator": "In", "values": [level]}]
    yield _binding(f"{name}-{level}", f"{name}-{level}", chosen, notes)
    if default:
        yield _binding(f"{name}-default", f"{name}-{level}", [{"key": label, "operator": "DoesNotExist"}], notes)


def _binding(name: str, policy: str, chosen: list[Tree], notes: Mapping[str, str]) -> Tree:
    return {
        "apiVersion": API_VERSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": _metadata(name, notes),
        "spec": {
            "policyName": policy,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchExpressions": chosen}},
        },
    }


def _metadata(name: str, notes: Mapping[str, str]) -> Tree:
    return {"name": name, "labels": {"app.kubernetes.io/part-of": NAME}, "annotations": dict(notes)}


def _not_in(key: str, values: Sequence[str]) -> Tree:
    return {"key": key, "operator": "NotIn", "values": list(values)}
