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
from webhook.policy.budget import Exhausted
from webhook.policy.document import Node, nodes
from webhook.policy.fields import Entries, Pages
from webhook.policy.model import Request

Tree = dict[str, Any]
# A refusal, warning or audit: the path and the rule.
Verdict = tuple[str, str]
# The complete spec of a manifest's object, the spec's path and the object's namespace; raises Refused.
Complete = Callable[[Any], tuple[Tree, str, str]]
# The content of a file beside the suite; raises OSError.
Beside = Callable[[str], bytes]

_CASE = ("title", "spec", "manifest", "stored", "request", "refused", "warned", "audited")
_REQUEST = ("namespace", "labels", "user", "groups")
_EXPECTED = ("refused", "warned", "audited")


@dataclass(frozen=True, slots=True)
class Case:
    """One case; `expected` has what becomes of it by mode, `where` is its `FILE:LINE:COLUMN`."""

    title: str
    spec: Tree
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
    pages = Pages(file, {})
    try:
        return _cases(pages, found, beside, complete), pages.findings
    except Exhausted as exhausted:
        return [], [*pages.findings, exhausted.finding]


def _cases(pages: Pages, found: Iterable[Node], beside: Beside, complete: Complete) -> list[Case]:
    cases = []
    for node in found:
        entries = pages.mapping(node, "a suite", ("cases",), ("cases",))
        for item in pages.items(entries.get("cases"), "cases"):
            before = len(pages.findings)
            case = _case(pages, item, beside, complete)
            if case is not None and len(pages.findings) == before:
                cases.append(case)
    return cases


def _case(pages: Pages, node: Node, beside: Beside, complete: Complete) -> Case | None:
    entries = pages.mapping(node, "a case", _CASE, ("title",))
    said, named = entries.get("spec"), entries.get("manifest")
    if (said is None) == (named is None):
        pages.wrong(node, "a case has one of `spec` and `manifest`", "write what the VM is, or name its file")
        return None
    spec, path, namespace = _tree(pages, said, "spec"), "spec", "default"
    if named is not None:
        spec, path, namespace = _manifest(pages, named, beside, complete)
    stored = entries.get("stored")
    return Case(
        title=pages.text(entries.get("title"), "title"),
        spec=spec,
        request=_request(pages, entries.get("request"), namespace, "UPDATE" if stored else "CREATE"),
        expected={mode: _verdicts(pages, entries, mode) for mode in _EXPECTED},
        where=f"{pages.at(node)}:{node.column}",
        path=path,
        stored=_tree(pages, stored, "stored") if stored else None,
    )


def _tree(pages: Pages, node: Node | None, what: str) -> Tree:
    plain = node.plain() if node is not None else {}
    if isinstance(plain, dict):
        return plain
    if node is not None:
        pages.wrong(node, f"{what} is no object", f"write a part of a VM's {what}")
    return {}


def _manifest(pages: Pages, node: Node, beside: Beside, complete: Complete) -> tuple[Tree, str, str]:
    """The spec of the one object in a file beside the suite, as it would be stored."""
    name = pages.text(node, "manifest")
    nothing: tuple[Tree, str, str] = ({}, "spec", "default")
    try:
        objects, findings = nodes(beside(name), name)
    except OSError as error:
        pages.wrong(node, f"`{name}` cannot be read: {error.strerror}", "name a file beside the suite")
        return nothing
    if findings or len(objects) != 1:
        pages.wrong(node, f"`{name}` holds {'no YAML' if findings else f'{len(objects)} objects'}, expected one object")
        return nothing
    try:
        return complete(objects[0].plain())
    except Refused as refused:
        pages.wrong(node, f"`{name}` cannot be completed: {refused.findings[0].path}: {refused.findings[0].problem}")
        return nothing


def _request(pages: Pages, node: Node | None, namespace: str, operation: str) -> Request:
    entries = pages.mapping(node, "a request", _REQUEST) if node is not None else Entries(Node({}, 0, 0), {})
    labels = _tree(pages, entries.get("labels"), "labels")
    return Request(
        namespace=pages.text(entries.get("namespace"), "namespace") or namespace,
        labels={name: value for name, value in labels.items() if isinstance(value, str)},
        user=pages.text(entries.get("user"), "user"),
        groups=pages.texts(entries.get("groups"), "groups"),
        operation=operation,
    )


def _verdicts(pages: Pages, entries: Entries, mode: str) -> tuple[Verdict, ...]:
    node = entries.get(mode)
    items = node.value if node is not None and node.value == [] else pages.items(node, mode)
    found = []
    for item in items if isinstance(items, list) else ():
        said = pages.mapping(item, mode, ("path", "rule"), ("path", "rule"))
        found.append((pages.text(said.get("path"), "path"), pages.text(said.get("rule"), "rule")))
    return tuple(sorted(found))
