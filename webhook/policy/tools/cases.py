"""The cases of a suite, read as strictly as policies: each with its line, or with what is wrong with it.

    cases:
      - title: a file of the host is refused
        spec: {domain: {os: {kernel: /boot/vmlinuz}}}     # a part of a VM's spec as it would be stored, or
        manifest: cases/vm.yaml                           # a file beside the suite, completed as on create
        stored: {domain: {}}                              # what an update starts from
        request: {namespace: team-a, user: jane, groups: [devs], labels: {tier: tenant}}
        refused: [{path: spec.domain.os.kernel, rule: restricted/no-host-paths}]
        warned: []                                        # of policies in mode warn, and audited of mode audit

All but the title and one of spec and manifest may be left out; a case expects what it lists and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.findings import Finding, Refused
from webhook.policy.language.model import Request
from webhook.policy.loading.budget import Exhausted
from webhook.policy.loading.document import Node, nodes
from webhook.policy.loading.reader import Entries, PolicyReader

Tree = dict[str, Any]
# A refusal, warning or audit: the path and the rule.
Verdict = tuple[str, str]
# The complete spec of a manifest's object, the spec as it is written, its path and the namespace; raises Refused.
Complete = Callable[[Any], tuple[Tree, Tree, str, str]]
# The content of a file beside the suite; raises OSError.
Beside = Callable[[str], bytes]

_CASE = ("title", "spec", "manifest", "stored", "request", "refused", "warned", "audited")
_REQUEST = ("namespace", "labels", "user", "groups")
_EXPECTED = ("refused", "warned", "audited")


@dataclass(frozen=True, slots=True)
class Case:
    """One case; `expected` has what becomes of it by mode, `where` is its `FILE:LINE:COLUMN`.

    `spec` is complete where a manifest was named, and `written` what its requester wrote.
    """

    title: str
    spec: Tree
    written: Tree
    request: Request
    expected: Mapping[str, tuple[Verdict, ...]]
    where: str
    path: str = "spec"
    stored: Tree | None = None


def read_cases(content: bytes, file: str, beside: Beside, complete: Complete) -> tuple[list[Case], list[Finding]]:
    """The cases of one suite, and all that is wrong with it."""
    found, findings = nodes(content, file)
    if findings:
        return [], findings
    reader = PolicyReader(file, {})
    try:
        return _cases(reader, found, beside, complete), reader.findings
    except Exhausted as exhausted:
        return [], [*reader.findings, exhausted.finding]


def _cases(reader: PolicyReader, found: Iterable[Node], beside: Beside, complete: Complete) -> list[Case]:
    cases = []
    for node in found:
        entries = reader.mapping(node, "a suite", ("cases",), ("cases",))
        for item in reader.items(entries.get("cases"), "cases"):
            before = len(reader.findings)
            case = _case(reader, item, beside, complete)
            if case is not None and len(reader.findings) == before:
                cases.append(case)
    return cases


def _case(reader: PolicyReader, node: Node, beside: Beside, complete: Complete) -> Case | None:
    entries = reader.mapping(node, "a case", _CASE, ("title",))
    stated, named = entries.get("spec"), entries.get("manifest")
    if (stated is None) == (named is None):
        reader.wrong(node, "a case has one of `spec` and `manifest`", "write what the VM is, or name its file")
        return None
    spec, path, namespace = _tree(reader, stated, "spec"), "spec", "default"
    written = spec
    if named is not None:
        spec, written, path, namespace = _manifest(reader, named, beside, complete)
    stored = entries.get("stored")
    return Case(
        title=reader.text(entries.get("title"), "title"),
        spec=spec,
        written=written,
        request=_request(reader, entries.get("request"), namespace, "UPDATE" if stored else "CREATE"),
        expected={mode: _verdicts(reader, entries, mode) for mode in _EXPECTED},
        where=f"{reader.at(node)}:{node.column}",
        path=path,
        stored=_tree(reader, stored, "stored") if stored else None,
    )


def _tree(reader: PolicyReader, node: Node | None, what: str) -> Tree:
    plain = node.plain() if node is not None else {}
    if isinstance(plain, dict):
        return plain
    if node is not None:
        reader.wrong(node, f"{what} is no object", f"write a part of a VM's {what}")
    return {}


def _manifest(reader: PolicyReader, node: Node, beside: Beside, complete: Complete) -> tuple[Tree, Tree, str, str]:
    """The spec of the one object in a file beside the suite, as it would be stored and as it is written."""
    name = reader.text(node, "manifest")
    nothing: tuple[Tree, Tree, str, str] = ({}, {}, "spec", "default")
    try:
        objects, findings = nodes(beside(name), name)
    except OSError as error:
        reader.wrong(node, f"`{name}` cannot be read: {error.strerror}", "name a file beside the suite")
        return nothing
    if findings or len(objects) != 1:
        reader.wrong(
            node, f"`{name}` holds {'no YAML' if findings else f'{len(objects)} objects'}, expected one object"
        )
        return nothing
    try:
        return complete(objects[0].plain())
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
