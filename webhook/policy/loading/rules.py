"""The rules of one policy document: their grammar, and that each is about a declared field."""

from __future__ import annotations

from webhook.declare import Field
from webhook.policy.language.condition import Condition, InvalidCondition, Subject
from webhook.policy.language.conditions import CONDITIONS, condition, of_totals, total_condition
from webhook.policy.language.cross_field import COMPARISONS, GUARDS, Comparison, Guard, guard
from webhook.policy.language.field_content import comparable, holding
from webhook.policy.language.model import CLASSES, EFFECTS, STATED, Effect, Rule, Selector
from webhook.policy.language.selection import decided_with
from webhook.policy.language.totals import totals
from webhook.policy.loading.document import Node
from webhook.policy.loading.lint import lint
from webhook.policy.loading.reader import Entries, PolicyReader

# Every completed VM has a domain: a rule about the whole of it can only mean what its requester writes there.
_WHOLE = "domain"
_WITHOUT_TOTALS = "limit a field: name its `path`, and write `when: {above: …}` or `when: {count-above: …}`"
_RULE = ("name", *EFFECTS, "when", *GUARDS, "message", "help")


def read_rules(reader: PolicyReader, node: Node | None, policy: str) -> tuple[Rule, ...]:
    """The rules of a policy; what is wrong with them, alone or together, is added to the reader's findings."""
    rules: dict[str, Rule] = {}
    correct: dict[str, Node] = {}
    for item in reader.items(node, "rules"):
        reader.spend("rules", item)
        before = len(reader.findings)
        rule = _rule(reader, item, policy)
        if rule.id.endswith("/"):
            continue
        if rule.id in rules:
            way = "give each rule a name of its own"
            reader.wrong(item, f"rule `{rule.id}` is there already, in {rules[rule.id].where}", way)
            continue
        rules[rule.id] = rule
        _count_conditions(reader, item, rule)
        if len(reader.findings) == before:  # a rule with a mistake is not compared with others
            correct[rule.id] = item
    for rule, problem in lint([rules[name] for name in correct], reader.budget.rest):
        reader.wrong(correct[rule.id], *problem)
    return tuple(rules.values())


def _count_conditions(reader: PolicyReader, node: Node, rule: Rule) -> None:
    """Count the conditions that are asked one by one. One that is alone in its rule and can be merged costs nothing."""
    guarded = sum(len(wanted) for each in rule.guards for wanted in each.conditions.values())
    asked = len(rule.conditions) + len(rule.comparisons) + guarded
    alone = any(CONDITIONS[each.name].counted for each in rule.conditions)
    if asked > 1 or alone or rule.guards or rule.comparisons:
        reader.spend("asked", node, rule.selector.path or rule.selector.kind or rule.selector.total, asked)


def _rule(reader: PolicyReader, node: Node, policy: str) -> Rule:
    entries = reader.mapping(node, "a rule", _RULE, ("name",))
    effects: list[Effect] = [effect for effect in EFFECTS if entries.get(effect)]  # type: ignore[misc]
    if len(effects) != 1:
        reader.wrong(node, "a rule says what it does once", "write one of `permit`, `deny`, `forbid`")
    effect: Effect = effects[0] if effects else "forbid"
    target = entries.get(effect)
    selector = _selector(reader, target, effect) if target else Selector()
    if effect == "permit":
        for name in ("message", "help"):
            if text := entries.get(name):
                reader.wrong(
                    text, f"{name} has no effect on a permit, which refuses nothing", "write a comment instead"
                )
    conditions, comparisons = _when(reader, entries.get("when"), selector, effect)
    if selector.total and not entries.get("when"):
        reader.wrong(node, f"total `{selector.total}` has no limit", "write `when: {above: …}`")
    return Rule(
        id=f"{policy}/{reader.name(entries.get('name'), 'name')}",
        effect=effect,
        selector=selector,
        conditions=conditions,
        message=reader.text(entries.get("message"), "message"),
        help=reader.text(entries.get("help"), "help"),
        where=reader.at(node),
        comparisons=comparisons,
        guards=tuple(_guard(reader, word, fields) for word in GUARDS if (fields := entries.get(word))),
    )


def _selector(reader: PolicyReader, node: Node, effect: str) -> Selector:
    entries = reader.mapping(node, effect, ("class", "path", "total"))
    selector = Selector(
        reader.choice(entries.get("class"), "class", CLASSES),
        reader.path(entries.get("path")),
        _total(reader, entries.get("total")),
    )
    if isinstance(node.value, dict) and not node.value:
        reader.wrong(node, f"{effect} selects nothing", "name a `class`, a `path` or both, or a `total`")
    if (total := entries.get("total")) and len(entries.values) > 1:
        reader.wrong(total, "total stands beside a class or a path", "write a rule for each")
    if path := entries.get("path"):
        _reachable(reader, path, selector)
    return selector


def _total(reader: PolicyReader, node: Node | None) -> str:
    """A sum over what the policy is about: of an API that has its place."""
    known = tuple(name for name, total in totals().items() if total.at in reader.declared_fields)
    if node is not None and not known:
        reader.wrong(node, "there are no totals of what this policy is about", _WITHOUT_TOTALS)
        return ""
    return reader.choice(node, "total", known)


def _reachable(reader: PolicyReader, node: Node, selector: Selector) -> None:
    """A rule below an element that is backend as a whole, or for a class that no field there can have."""
    if whole := decided_with(selector.path, reader.declared_fields):
        reader.wrong(node, f"path `{selector.path}` is decided with `{whole}`", f"name `{whole}`")
    elif selector.path and selector.kind and selector.kind not in reader.classes().get(selector.path, ()):
        problem = f"class `{selector.kind}` is no class of `{selector.path}`"
        reader.wrong(node, problem, "remove the class, or name another path")


def _when(
    reader: PolicyReader, node: Node | None, selector: Selector, effect: str
) -> tuple[tuple[Condition, ...], tuple[Comparison, ...]]:
    if node is None:
        whole = selector == Selector(path=_WHOLE) and effect != "permit"
        return ((condition(STATED, True, None),) if whole else ()), ()
    entries = reader.mapping(node, "when", of_totals() if selector.total else (*CONDITIONS, *COMPARISONS))
    if selector == Selector():
        return (), ()  # what they are about is wrong itself
    if isinstance(node.value, dict) and not node.value:
        reader.wrong(node, "when says nothing", "write a condition, or remove `when`")
    place = reader.declared_fields.get(selector.path)
    comparisons = [
        _comparison(reader, name, wanted, place.field if place else None)
        for name, wanted in entries.values.items()
        if name in COMPARISONS
    ]
    made = []
    for name, wanted in entries.values.items():
        if name not in CONDITIONS:
            continue
        if effect == "permit" and not CONDITIONS[name].in_permit:
            reader.wrong(wanted, f"{name} is no condition of a permit", "a permit speaks of a value that is there")
        else:
            made += _made(reader, name, wanted, place.field if place else None, selector.total)
    alone = next((each.name for each in made if each.subject in (Subject.LIST, Subject.MISSING)), None)
    if alone and len(entries.values) > 1:
        reader.wrong(node, f"{alone} stands beside other conditions", "write a rule for each")
    return tuple(made), tuple(each for each in comparisons if each)


def _made(reader: PolicyReader, name: str, wanted: Node, field: Field | None, total: str = "") -> list[Condition]:
    """The condition, where it can mean something."""
    if CONDITIONS[name].expression and isinstance(wanted.value, str) and wanted.value not in reader.budget.patterns:
        reader.spend("patterns", wanted)
        reader.budget.patterns.add(wanted.value)
    try:
        if total:
            return [total_condition(name, wanted.plain(), totals()[total].unit)]
        return [condition(name, wanted.plain(), field)]
    except InvalidCondition as invalid:
        reader.wrong(wanted, f"{name} {invalid}", invalid.help)
        return []


def _comparison(reader: PolicyReader, name: str, node: Node, field: Field | None) -> Comparison | None:
    path = reader.path(node)
    if field is None:
        reader.wrong(node, f"{name} compares two fields, and the rule names none", "name a `path` beside the class")
        return None
    if not path or path not in reader.declared_fields:
        return None
    ours, theirs = holding(field), holding(reader.declared_fields[path].field)
    if ours != theirs or field.scalar is None:
        reader.wrong(node, f"{name} compares {ours} with {theirs}", "name a field that holds the same")
        return None
    if reader.declared_fields[path].field is field:
        reader.wrong(node, f"{name} compares a field with itself", "name another field")
        return None
    return Comparison(name, path, comparable(field))


def _guard(reader: PolicyReader, word: str, node: Node) -> Guard:
    """`where` and `unless`: declared paths, each with its conditions."""
    if not isinstance(node.value, dict) or not node.value:
        reader.wrong(node, f"{word} names no fields", "write `PATH: {in: [VALUE]}`")
        return guard(word, {})
    conditions = {}
    for name, wanted in node.value.items():
        line, column = node.keys[name]
        path = reader.path(Node(name, line, column))
        if whole := decided_with(path, reader.declared_fields):
            reader.wrong(Node(name, line, column), f"path `{path}` is decided with `{whole}`", f"name `{whole}`")
        conditions[path] = _guarded(reader, path, wanted)
    return guard(word, {path: each for path, each in conditions.items() if path})


def _guarded(reader: PolicyReader, path: str, node: Node) -> tuple[Condition, ...]:
    words = tuple(name for name, kind in CONDITIONS.items() if kind.in_guard)
    entries: Entries = reader.mapping(node, f"the condition of `{path}`", words)
    if isinstance(node.value, dict) and not node.value:
        reader.wrong(node, f"nothing is asked of `{path}`", "write a condition, like `present: true`")
    place = reader.declared_fields.get(path)
    if place is None:
        return ()
    return tuple(each for name, wanted in entries.values.items() for each in _made(reader, name, wanted, place.field))
