"""The cases of a suite, read as strictly as policies: each with its line, or with what is wrong with it.

    cases:
      - title: a file of the host is refused
        spec: {domain: {os: {kernel: /boot/vmlinuz}}}     # a part of a VM's spec as it would be stored, or
        manifest: cases/vm.yaml                           # a file beside the suite, completed as on create, or
        object: {kind: VirtualMachine, …}                 # of KubeVirt, as it is; a manifest may hold one, too
        stored: {domain: {}}                              # what an update starts from; of an object the whole object
        request: {namespace: team-a, user: jane, groups: [devs], labels: {tier: tenant}}
        refused: [{path: spec.domain.os.kernel, rule: restricted/no-host-paths}]
        warned: []                                        # of policies in mode warn, and audited of mode audit

All but the title and one of spec, manifest and object may be left out; a case expects what it lists and nothing else.
Beside `cases`, `include: [cases/more.yaml]` names files beside the suite with further ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.findings import Finding, Refused
from webhook.policy.language.model import Request
from webhook.policy.loading.budget import Exhausted
from webhook.policy.loading.document import Node, nodes
from webhook.policy.loading.reader import Entries, PolicyReader
from webhook.trees import Tree

# A refusal, warning or audit: the path and the rule.
Verdict = tuple[str, str]
# The complete spec of a manifest's object, the spec as it is written, its path and the namespace; raises Refused.
Complete = Callable[[Any], tuple[Tree, Tree, str, str]]
# The content of a file beside the suite; raises OSError.
Beside = Callable[[str], bytes]

_HELD = ("spec", "manifest", "object")
_CASE = ("title", *_HELD, "stored", "request", "refused", "warned", "audited")
_REQUEST = ("namespace", "labels", "user", "groups")
_EXPECTED = ("refused", "warned", "audited")


@dataclass(frozen=True, slots=True)
class Case:
    """One case; `expected` has what becomes of it by mode, `where` is its `FILE:LINE:COLUMN`.

    `spec` is complete where a manifest was named, and `written` what its requester wrote. Of a `foreign` case, which is
    about an object of KubeVirt's, both are that object.
    """

    title: str
    spec: Tree
    written: Tree
    request: Request
    expected: Mapping[str, tuple[Verdict, ...]]
    where: str
    path: str = "spec"
    stored: Tree | None = None
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Objects:
    """What a suite needs to know of the objects that its cases name."""

    complete: Complete
    # Whether an object is one of KubeVirt's own that policies are about.
    is_foreign: Callable[[Any], bool]


def read_cases(content: bytes, file: str, beside: Beside, objects: Objects) -> tuple[list[Case], list[Finding]]:
    """The cases of one suite and of the files that it includes, and all that is wrong with them."""
    found, findings = nodes(content, file)
    if findings:
        return [], findings
    reader = PolicyReader(file, {})
    cases: list[Case] = []
    try:
        for node in found:
            entries = reader.mapping(node, "a suite", ("cases", "include"), ("cases",))
            cases += _cases(reader, entries.get("cases"), beside, objects)
            for name in reader.texts(entries.get("include"), "include"):
                more, wrong = _included(reader, node, name, (beside, objects))
                cases += more
                findings += wrong
    except Exhausted as exhausted:
        return [], [*reader.findings, exhausted.finding]
    return cases, [*reader.findings, *findings]


def _included(
    above: PolicyReader, node: Node, name: str, parts: tuple[Beside, Objects]
) -> tuple[list[Case], list[Finding]]:
    """The cases of one file beside the suite, which includes no further ones."""
    beside, objects = parts
    file = f"{above.file.rpartition('/')[0]}/{name}"
    try:
        found, findings = nodes(beside(name), file)
    except OSError as error:
        above.wrong(node, f"`{name}` cannot be read: {error.strerror}", "name a file beside the suite")
        return [], []
    reader = PolicyReader(file, {})
    cases: list[Case] = []
    for each in found if not findings else ():
        entries = reader.mapping(each, "a file of cases", ("cases",), ("cases",))
        cases += _cases(reader, entries.get("cases"), beside, objects)
    return cases, [*findings, *reader.findings]


def _cases(reader: PolicyReader, node: Node | None, beside: Beside, objects: Objects) -> list[Case]:
    cases = []
    for item in reader.items(node, "cases"):
        before = len(reader.findings)
        case = _case(reader, item, beside, objects)
        if case is not None and len(reader.findings) == before:
            cases.append(case)
    return cases


def _case(reader: PolicyReader, node: Node, beside: Beside, objects: Objects) -> Case | None:
    entries = reader.mapping(node, "a case", _CASE, ("title",))
    held = [name for name in _HELD if entries.get(name) is not None]
    if len(held) != 1:
        way = "write what the VM is, or name its file, or write an object of KubeVirt's"
        reader.wrong(node, "a case has one of `spec`, `manifest` and `object`", way)
        return None
    what = _what(reader, entries, beside, objects)
    stored = entries.get("stored")
    return Case(
        title=reader.text(entries.get("title"), "title"),
        spec=what.spec,
        written=what.written,
        request=_request(reader, entries.get("request"), what.namespace, "UPDATE" if stored else "CREATE"),
        expected={mode: _verdicts(reader, entries, mode) for mode in _EXPECTED},
        where=f"{reader.at(node)}:{node.column}",
        path=what.path,
        stored=_stored(reader, stored, what, objects) if stored else None,
        foreign=what.foreign,
    )


@dataclass(frozen=True, slots=True)
class _What:
    """What a case is about: a spec as it would be stored and as it is written, or an object of KubeVirt's."""

    spec: Tree
    written: Tree
    path: str = "spec"
    namespace: str = "default"
    foreign: bool = False


def _what(reader: PolicyReader, entries: Entries, beside: Beside, objects: Objects) -> _What:
    stated, named = entries.get("spec"), entries.get("manifest")
    if stated is not None:
        spec = _tree(reader, stated, "spec")
        return _What(spec, spec)
    if named is not None:
        return _manifest(reader, named, beside, objects)
    node = entries.get("object")
    before = len(reader.findings)
    obj = _tree(reader, node, "object")
    if len(reader.findings) > before:
        return _What({}, {})
    if node is not None and not objects.is_foreign(obj):
        way = "write its `apiVersion` and `kind`, such as kubevirt.io/v1 VirtualMachine; our own VM is a `spec`"
        reader.wrong(node, "is no object of KubeVirt's that policies are about", way)
        return _What({}, {})
    return _foreign(obj)


def _stored(reader: PolicyReader, node: Node, what: _What, objects: Objects) -> Tree:
    """What an update starts from: of an object of KubeVirt's one of the same kind."""
    found = len(reader.findings)
    tree = _tree(reader, node, "stored")
    told = len(reader.findings) > found or not what.foreign
    if not told and not (objects.is_foreign(tree) and tree["kind"] == what.spec["kind"]):
        way = f"write the whole object, with `kind: {what.spec['kind']}` and its `apiVersion`"
        reader.wrong(node, "stored is no object of the same kind", way)
    return tree


def _foreign(obj: Any) -> _What:
    metadata = obj.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    return _What(obj, obj, namespace=namespace if isinstance(namespace, str) else "default", foreign=True)


def _tree(reader: PolicyReader, node: Node | None, what: str) -> Tree:
    plain = node.plain() if node is not None else {}
    if isinstance(plain, dict):
        return plain
    if node is not None:
        reader.wrong(node, f"{what} is no object", f"write a part of a VM's {what}")
    return {}


def _manifest(reader: PolicyReader, node: Node, beside: Beside, known: Objects) -> _What:
    """The one object in a file beside the suite: one of ours as it would be stored and as it is written."""
    name = reader.text(node, "manifest")
    nothing = _What({}, {})
    try:
        objects, findings = nodes(beside(name), name)
    except OSError as error:
        reader.wrong(node, f"`{name}` cannot be read: {error.strerror}", "name a file beside the suite")
        return nothing
    plain = objects[0].plain() if len(objects) == 1 else None
    items = plain.get("items") if isinstance(plain, dict) else None
    if findings or len(objects) != 1 or isinstance(items, list):
        count = len(items) if isinstance(items, list) else len(objects)
        holds = "no YAML" if findings else f"a list of {count}" if isinstance(items, list) else f"{count} objects"
        way = "write one object into the file, and a case for each further one"
        reader.wrong(node, f"`{name}` holds {holds}, expected one object", way)
        return nothing
    if known.is_foreign(plain):
        return _foreign(plain)
    try:
        return _What(*known.complete(plain))
    except Refused as refused:
        reader.wrong(node, f"`{name}` cannot be completed: {refused.findings[0].path}: {refused.findings[0].problem}")
        return nothing


def _request(reader: PolicyReader, node: Node | None, namespace: str, operation: str) -> Request:
    entries = reader.mapping(node, "a request", _REQUEST) if node is not None else Entries(Node({}, 0, 0), {})
    labels = _tree(reader, entries.get("labels"), "labels")
    return Request(
        namespace=reader.text(entries.get("namespace"), "namespace") or namespace,
        labels={name: value for name, value in labels.items() if isinstance(value, str)},
        user=reader.text(entries.get("user"), "user"),
        groups=reader.texts(entries.get("groups"), "groups"),
        operation=operation,
    )


def _verdicts(reader: PolicyReader, entries: Entries, mode: str) -> tuple[Verdict, ...]:
    node = entries.get(mode)
    items = node.value if node is not None and node.value == [] else reader.items(node, mode)
    found = []
    for item in items if isinstance(items, list) else ():
        entry = reader.mapping(item, mode, ("path", "rule"), ("path", "rule"))
        found.append((reader.text(entry.get("path"), "path"), reader.text(entry.get("rule"), "rule")))
    return tuple(sorted(found))
