"""One policy document into a Policy: its head, where and for whom it holds, its exceptions. Rules: rules.py."""

from __future__ import annotations

from datetime import date

from webhook.policy.document import Node
from webhook.policy.fields import Entries, Pages
from webhook.policy.model import (
    API_VERSION,
    DEFAULT,
    KIND,
    LEVELS,
    MODES,
    SET_KIND,
    Exemption,
    Match,
    Policy,
    PolicySet,
    Selector,
)
from webhook.policy.rules import read_rules

_POLICY = ("apiVersion", "kind", "metadata", "level", "match", "mode", "rules", "exceptions")
_EXCEPTION = ("rule", "namespaces", "path", "values", "until", "owner", "ticket")


_SET = ("apiVersion", "kind", "metadata", "files")
_GROUP = API_VERSION.partition("/")[0]


def is_policy(node: Node) -> bool:
    """Whether a document is meant for us, by the group of its `apiVersion`: of any other nothing is shown."""
    said = node.value.get("apiVersion") if isinstance(node.value, dict) else None
    return said is not None and isinstance(said.value, str) and said.value.partition("/")[0] == _GROUP


def is_set(node: Node) -> bool:
    """Whether a document names the files of its folder."""
    said = node.value.get("kind") if isinstance(node.value, dict) else None
    return said is not None and said.value == SET_KIND


def read_set(node: Node, pages: Pages) -> PolicySet:
    """The PolicySet of one document; what is wrong with it is added to the pages' findings."""
    entries = pages.mapping(node, "a PolicySet", _SET, ("apiVersion", "kind", "files"))
    pages.choice(entries.get("apiVersion"), "apiVersion", (API_VERSION,))
    if entries.get("metadata"):
        _name(pages, entries.get("metadata"))
    return PolicySet(pages.texts(entries.get("files"), "files"), pages.at(node), node.column)


def read(node: Node, pages: Pages) -> Policy:
    """The policy of one document; what is wrong with it is added to the pages' findings, and it is not fit for use."""
    entries = pages.mapping(node, "a policy", _POLICY, ("apiVersion", "kind", "metadata"))
    pages.choice(entries.get("apiVersion"), "apiVersion", (API_VERSION,))
    pages.choice(entries.get("kind"), "kind", (KIND, SET_KIND))
    name = _name(pages, entries.get("metadata"))
    if entries.get("rules") is None and entries.get("exceptions") is None:
        pages.wrong(node, "a policy lacks `rules`")
    if entries.get("level") and entries.get("mode"):
        mode = entries.values["mode"]
        pages.wrong(mode, "mode says what the namespace's labels say of a level", "remove `mode` or `level`")
    return Policy(
        name=name,
        level=pages.choice(entries.get("level"), "level", LEVELS),
        mode=pages.choice(entries.get("mode"), "mode", MODES) or "enforce",
        match=_match(pages, entries.get("match")),
        rules=read_rules(pages, entries.get("rules"), name),
        exceptions=tuple(_exemption(pages, item) for item in pages.items(entries.get("exceptions"), "exceptions")),
        where=pages.at(node),
        column=node.column,
    )


def _name(pages: Pages, metadata: Node | None) -> str:
    if metadata is None:
        return ""
    entry = pages.mapping(metadata, "metadata", ("name", "labels", "annotations"), ("name",)).get("name")
    name = pages.name(entry, "name")
    if entry is not None and name == DEFAULT:
        pages.wrong(entry, f"name `{DEFAULT}` is what denies without any policy", "choose another name")
    return name


def _match(pages: Pages, node: Node | None) -> Match:
    if node is None:
        return Match()
    entries = pages.mapping(node, "match", ("namespaces", "subjects"))
    spaces, subjects = entries.get("namespaces"), entries.get("subjects")
    where = pages.mapping(spaces, "namespaces", ("names", "except", "labels")) if spaces else Entries(node, {})
    who = pages.mapping(subjects, "subjects", ("users", "groups", "serviceAccounts")) if subjects else Entries(node, {})
    return Match(
        names=_globs(pages, where.get("names"), "names"),
        without=_globs(pages, where.get("except"), "except"),
        labels=_labels(pages, where.get("labels")),
        users=_globs(pages, who.get("users"), "users") + _accounts(pages, who.get("serviceAccounts")),
        groups=_globs(pages, who.get("groups"), "groups"),
    )


def _globs(pages: Pages, node: Node | None, what: str) -> tuple[str, ...]:
    """Names, in which `*` stands for any characters; those are tried one by one."""
    found = pages.texts(node, what)
    if node is not None:
        pages.spend("globs", node, amount=sum("*" in each for each in found))
    return found


def _labels(pages: Pages, node: Node | None) -> dict[str, str]:
    if node is None:
        return {}
    if not isinstance(node.value, dict) or not node.value:
        pages.wrong(node, "labels names no labels", "write `label: value`")
        return {}
    return {name: pages.text(value, f"label `{name}`") for name, value in node.value.items()}


def _accounts(pages: Pages, node: Node | None) -> tuple[str, ...]:
    """Service accounts as the user names that reviews have for them."""
    users = []
    for item in pages.items(node, "serviceAccounts"):
        content = pages.text(item, "serviceAccounts")
        namespace, slash, name = content.partition("/")
        if content and not (namespace and slash and name and "/" not in name):
            pages.wrong(item, "a service account is not NAMESPACE/NAME", "write it like `builds/robot`")
        if "*" in content:
            pages.spend("globs", item)
        users.append(f"system:serviceaccount:{namespace}:{name}")
    return tuple(users)


def _exemption(pages: Pages, node: Node) -> Exemption:
    pages.spend("exceptions", node)
    required = ("rule", "namespaces", "until", "owner", "ticket")
    entries = pages.mapping(node, "an exception", _EXCEPTION, required)
    until: date = pages.day(entries.get("until"), "until")
    return Exemption(
        rule=pages.text(entries.get("rule"), "rule"),
        namespaces=_globs(pages, entries.get("namespaces"), "namespaces"),
        selector=Selector(path=pages.path(entries.get("path"))),
        values=tuple(item.plain() for item in pages.items(entries.get("values"), "values")),
        until=until,
        owner=pages.text(entries.get("owner"), "owner"),
        ticket=pages.text(entries.get("ticket"), "ticket"),
        where=pages.at(node),
        column=node.column,
    )
