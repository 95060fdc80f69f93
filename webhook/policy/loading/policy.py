"""One policy document into a Policy: its head, where and for whom it holds, its exceptions. Rules: rules.py."""

from __future__ import annotations

from datetime import date

from webhook.policy.language.model import (
    API_VERSION,
    DEFAULT,
    KIND,
    KUBEVIRT_KIND,
    LEVELS,
    MODES,
    SET_KIND,
    Exemption,
    Match,
    Policy,
    PolicySet,
    Selector,
)
from webhook.policy.loading.document import Node
from webhook.policy.loading.reader import Entries, PolicyReader
from webhook.policy.loading.rules import read_rules

_POLICY = ("apiVersion", "kind", "metadata", "level", "match", "mode", "rules", "exceptions")
_EXCEPTION = ("rule", "namespaces", "path", "values", "until", "owner", "ticket")


_SET = ("apiVersion", "kind", "metadata", "files")
_GROUP = API_VERSION.partition("/")[0]


def is_policy(node: Node) -> bool:
    """Whether a document is meant for us, by the group of its `apiVersion`: of any other nothing is shown."""
    entry = node.value.get("apiVersion") if isinstance(node.value, dict) else None
    return entry is not None and isinstance(entry.value, str) and entry.value.partition("/")[0] == _GROUP


def is_set(node: Node) -> bool:
    """Whether a document names the files of its folder."""
    entry = node.value.get("kind") if isinstance(node.value, dict) else None
    return entry is not None and entry.value == SET_KIND


def is_kubevirt(node: Node) -> bool:
    """Whether a document is about KubeVirt's own virtual machines."""
    entry = node.value.get("kind") if isinstance(node.value, dict) else None
    return entry is not None and entry.value == KUBEVIRT_KIND


def read_set(node: Node, reader: PolicyReader) -> PolicySet:
    """The PolicySet of one document; what is wrong with it is added to the reader's findings."""
    entries = reader.mapping(node, "a PolicySet", _SET, ("apiVersion", "kind", "files"))
    reader.choice(entries.get("apiVersion"), "apiVersion", (API_VERSION,))
    if entries.get("metadata"):
        _name(reader, entries.get("metadata"))
    return PolicySet(reader.texts(entries.get("files"), "files"), reader.at(node), node.column)


def read(node: Node, reader: PolicyReader) -> Policy:
    """The policy of one document; with what is wrong added to the reader's findings, it must not be used."""
    entries = reader.mapping(node, "a policy", _POLICY, ("apiVersion", "kind", "metadata"))
    reader.choice(entries.get("apiVersion"), "apiVersion", (API_VERSION,))
    reader.choice(entries.get("kind"), "kind", (KIND, KUBEVIRT_KIND, SET_KIND))
    name = _name(reader, entries.get("metadata"))
    if entries.get("rules") is None and entries.get("exceptions") is None:
        reader.wrong(node, "a policy lacks `rules`")
    if entries.get("level") and entries.get("mode"):
        mode = entries.values["mode"]
        reader.wrong(mode, "mode says what the namespace's labels say of a level", "remove `mode` or `level`")
    return Policy(
        name=name,
        level=reader.choice(entries.get("level"), "level", LEVELS),
        mode=reader.choice(entries.get("mode"), "mode", MODES) or "enforce",
        match=_match(reader, entries.get("match")),
        rules=read_rules(reader, entries.get("rules"), name),
        exceptions=tuple(_exemption(reader, item) for item in reader.items(entries.get("exceptions"), "exceptions")),
        where=reader.at(node),
        column=node.column,
    )


def _name(reader: PolicyReader, metadata: Node | None) -> str:
    if metadata is None:
        return ""
    entry = reader.mapping(metadata, "metadata", ("name", "labels", "annotations"), ("name",)).get("name")
    name = reader.name(entry, "name")
    if entry is not None and name == DEFAULT:
        reader.wrong(entry, f"name `{DEFAULT}` is what denies without any policy", "choose another name")
    return name


def _match(reader: PolicyReader, node: Node | None) -> Match:
    if node is None:
        return Match()
    entries = reader.mapping(node, "match", ("namespaces", "subjects"))
    spaces, subjects = entries.get("namespaces"), entries.get("subjects")
    where = reader.mapping(spaces, "namespaces", ("names", "except", "labels")) if spaces else Entries(node, {})
    who = (
        reader.mapping(subjects, "subjects", ("users", "groups", "serviceAccounts")) if subjects else Entries(node, {})
    )
    return Match(
        names=_globs(reader, where.get("names"), "names"),
        without=_globs(reader, where.get("except"), "except"),
        labels=_labels(reader, where.get("labels")),
        users=_globs(reader, who.get("users"), "users") + _accounts(reader, who.get("serviceAccounts")),
        groups=_globs(reader, who.get("groups"), "groups"),
    )


def _globs(reader: PolicyReader, node: Node | None, what: str) -> tuple[str, ...]:
    """Names, in which `*` stands for any characters; those are tried one by one."""
    found = reader.texts(node, what)
    if node is not None:
        reader.spend("globs", node, amount=sum("*" in each for each in found))
    return found


def _labels(reader: PolicyReader, node: Node | None) -> dict[str, str]:
    if node is None:
        return {}
    if not isinstance(node.value, dict) or not node.value:
        reader.wrong(node, "labels names no labels", "write `label: value`")
        return {}
    return {name: reader.text(value, f"label `{name}`") for name, value in node.value.items()}


def _accounts(reader: PolicyReader, node: Node | None) -> tuple[str, ...]:
    """Service accounts as the user names that reviews have for them."""
    users = []
    for item in reader.items(node, "serviceAccounts"):
        content = reader.text(item, "serviceAccounts")
        namespace, slash, name = content.partition("/")
        if content and not (namespace and slash and name and "/" not in name):
            reader.wrong(item, "a service account is not NAMESPACE/NAME", "write it like `builds/robot`")
        if "*" in content:
            reader.spend("globs", item)
        users.append(f"system:serviceaccount:{namespace}:{name}")
    return tuple(users)


def _exemption(reader: PolicyReader, node: Node) -> Exemption:
    reader.spend("exceptions", node)
    required = ("rule", "namespaces", "until", "owner", "ticket")
    entries = reader.mapping(node, "an exception", _EXCEPTION, required)
    until: date = reader.day(entries.get("until"), "until")
    return Exemption(
        rule=reader.text(entries.get("rule"), "rule"),
        namespaces=_globs(reader, entries.get("namespaces"), "namespaces"),
        selector=Selector(path=reader.path(entries.get("path"))),
        values=tuple(item.plain() for item in reader.items(entries.get("values"), "values")),
        until=until,
        owner=reader.text(entries.get("owner"), "owner"),
        ticket=reader.text(entries.get("ticket"), "ticket"),
        where=reader.at(node),
        column=node.column,
    )
