"""One policy document into a Policy: the language's grammar, and what each rule alone can mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from webhook.declare import Backend, Place
from webhook.findings import Finding
from webhook.policy.conditions import CONDITIONS, OF_VALUES, Condition, Unfit, condition
from webhook.policy.document import Node
from webhook.policy.fields import Entries, Pages
from webhook.policy.model import (
    API_VERSION,
    CLASSES,
    DEFAULT,
    EFFECTS,
    KIND,
    LEVELS,
    MODES,
    Effect,
    Exemption,
    Match,
    Policy,
    Rule,
    Selector,
)
from webhook.policy.selection import possible

_POLICY = ("apiVersion", "kind", "metadata", "level", "match", "mode", "rules", "exceptions")
_RULE = ("name", *EFFECTS, "when", "message", "help")
_EXCEPTION = ("rule", "namespaces", "path", "values", "until", "owner", "ticket")


def read(node: Node, file: str, places: Mapping[str, Place]) -> tuple[Policy, list[Finding]]:
    """The policy of one document, and all findings; with findings it is not fit for use."""
    pages = Pages(file, places)
    entries = pages.mapping(node, "a policy", _POLICY, ("apiVersion", "kind", "metadata"))
    pages.choice(entries.get("apiVersion"), "apiVersion", (API_VERSION,))
    pages.choice(entries.get("kind"), "kind", (KIND,))
    name = _name(pages, entries.get("metadata"))
    if entries.get("rules") is None and entries.get("exceptions") is None:
        pages.wrong(node, "a policy lacks `rules`")
    if entries.get("level") and entries.get("mode"):
        mode = entries.values["mode"]
        pages.wrong(mode, "mode says what the namespace's labels say of a level", "remove `mode` or `level`")
    policy = Policy(
        name=name,
        level=pages.choice(entries.get("level"), "level", LEVELS),
        mode=pages.choice(entries.get("mode"), "mode", MODES) or "enforce",
        match=_match(pages, entries.get("match")),
        rules=_rules(pages, entries.get("rules"), name),
        exceptions=tuple(_exemption(pages, item) for item in pages.items(entries.get("exceptions"), "exceptions")),
        where=pages.at(node),
    )
    return policy, sorted(pages.findings, key=_line)


def _line(finding: Finding) -> tuple[int, ...]:
    return tuple(int(part) for part in finding.path.split(":")[-2:])


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
        names=pages.texts(where.get("names"), "names"),
        without=pages.texts(where.get("except"), "except"),
        labels=_labels(pages, where.get("labels")),
        users=pages.texts(who.get("users"), "users") + _accounts(pages, who.get("serviceAccounts")),
        groups=pages.texts(who.get("groups"), "groups"),
    )


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
        users.append(f"system:serviceaccount:{namespace}:{name}")
    return tuple(users)


def _rules(pages: Pages, node: Node | None, policy: str) -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    about: dict[object, str] = {}
    for item in pages.items(node, "rules"):
        rule = _rule(pages, item, policy)
        if rule.id.endswith("/"):
            continue
        if rule.id in rules:
            way = "give each rule a name of its own"
            pages.wrong(item, f"rule `{rule.id}` is there already, in {rules[rule.id].where}", way)
        opposite = {"permit": "forbid", "forbid": "permit"}.get(rule.effect)
        if other := about.get((opposite, _about(rule))):
            problem = f"one of `{rule.id}` and `{other}` forbids just what the other permits"
            pages.wrong(item, problem, "remove one of them")
        about[rule.effect, _about(rule)] = rule.id
        rules.setdefault(rule.id, rule)
    return tuple(rules.values())


def _about(rule: Rule) -> object:
    """What a rule is about, whatever it says of it."""
    return rule.selector, tuple((each.name, repr(each.wanted)) for each in rule.conditions)


def _rule(pages: Pages, node: Node, policy: str) -> Rule:
    entries = pages.mapping(node, "a rule", _RULE, ("name",))
    effects: list[Effect] = [effect for effect in EFFECTS if entries.get(effect)]  # type: ignore[misc]
    if len(effects) != 1:
        pages.wrong(node, "a rule says what it does once", "write one of `permit`, `deny`, `forbid`")
    effect: Effect = effects[0] if effects else "forbid"
    target = entries.get(effect)
    selector = _selector(pages, target, effect) if target else Selector()
    if effect == "permit":
        for name in ("message", "help"):
            if said := entries.get(name):
                pages.wrong(said, f"a permit refuses nothing, so nobody reads its {name}", "write a comment instead")
    return Rule(
        id=f"{policy}/{pages.name(entries.get('name'), 'name')}",
        effect=effect,
        selector=selector,
        conditions=_conditions(pages, entries.get("when"), selector, effect),
        message=pages.text(entries.get("message"), "message"),
        help=pages.text(entries.get("help"), "help"),
        where=pages.at(node),
    )


def _selector(pages: Pages, node: Node, effect: str) -> Selector:
    entries = pages.mapping(node, effect, ("class", "path"))
    selector = Selector(pages.choice(entries.get("class"), "class", CLASSES), pages.path(entries.get("path")))
    if isinstance(node.value, dict) and not node.value:
        pages.wrong(node, f"{effect} selects nothing", "name a `class`, a `path` or both")
    if path := entries.get("path"):
        _reachable(pages, path, selector)
    return selector


def _reachable(pages: Pages, node: Node, selector: Selector) -> None:
    """A rule below an element that is backend as a whole, or for a class that no field there can have."""
    parts = selector.path.split(".")
    for length in range(1, len(parts)):
        parent = ".".join(parts[:length])
        if parent in pages.places and isinstance(pages.places[parent].half, Backend):
            pages.wrong(node, f"path `{selector.path}` is decided with `{parent}`", f"name `{parent}`")
            return
    if not (selector.path and selector.kind):
        return
    here = [place for path, place in pages.places.items() if f"{path}.".startswith(f"{selector.path}.")]
    if not any(selector.kind in possible(place) for place in here):
        problem = f"class `{selector.kind}` is no class of `{selector.path}`"
        pages.wrong(node, problem, "remove the class, or name another path")


def _conditions(pages: Pages, node: Node | None, selector: Selector, effect: str) -> tuple[Condition, ...]:
    if node is None:
        return ()
    made = []
    entries = pages.mapping(node, "when", CONDITIONS)
    if isinstance(node.value, dict) and not node.value:
        pages.wrong(node, "when says nothing", "write a condition, or remove `when`")
    place = pages.places.get(selector.path)
    for name, wanted in entries.values.items():
        if effect == "permit" and name not in OF_VALUES:
            pages.wrong(wanted, f"{name} is no condition of a permit", "a permit speaks of a value that is there")
            continue
        try:
            made.append(condition(name, wanted.plain(), place.field if place else None))
        except Unfit as unfit:
            pages.wrong(wanted, f"{name} {unfit}", unfit.help)
    alone = next((each.name for each in made if each.name == "count-above" or each.wanted is False), None)
    if alone and len(made) > 1:
        pages.wrong(node, f"{alone} stands beside other conditions", "write a rule for each")
    return tuple(made)


def _exemption(pages: Pages, node: Node) -> Exemption:
    required = ("rule", "namespaces", "until", "owner", "ticket")
    entries = pages.mapping(node, "an exception", _EXCEPTION, required)
    until: date = pages.day(entries.get("until"), "until")
    return Exemption(
        rule=pages.text(entries.get("rule"), "rule"),
        namespaces=pages.texts(entries.get("namespaces"), "namespaces"),
        selector=Selector(path=pages.path(entries.get("path"))),
        values=tuple(item.plain() for item in pages.items(entries.get("values"), "values")),
        until=until,
        owner=pages.text(entries.get("owner"), "owner"),
        ticket=pages.text(entries.get("ticket"), "ticket"),
        where=pages.at(node),
    )
