"""The rules of one policy document: their grammar, and that each is about a declared field."""

from __future__ import annotations

import re
from dataclasses import replace

from webhook.declare import DeclaredField, shown
from webhook.policy.language.condition import Condition, InvalidCondition, Members, Subject
from webhook.policy.language.conditions import CONDITIONS, condition, of_totals, total_condition
from webhook.policy.language.cross_field import COMPARISONS, GUARDS, Comparison, Guard, guard
from webhook.policy.language.field_content import TEXT, comparable, holding
from webhook.policy.language.model import CLASSES, EFFECTS, STATED, Effect, Rule, Selector
from webhook.policy.language.selection import decided_with
from webhook.policy.language.totals import totals
from webhook.policy.loading.document import Node
from webhook.policy.loading.lint import lint
from webhook.policy.loading.near_paths import begins
from webhook.policy.loading.reader import Entries, PolicyReader
from webhook.yaml_dialects import WORD_BOOLEAN

# Every completed VM has a domain: a rule about the whole of it can only mean what its requester writes there.
_WHOLE = "domain"
_WITHOUT_TOTALS = "limit a field: name its `path`, and write `when: {above: …}` or `when: {count-above: …}`"
# A text that every reader of YAML takes for one without quotes.
_WORD = re.compile("[A-Za-z][A-Za-z0-9_/-]*")
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
        _comparison(reader, name, wanted, place) for name, wanted in entries.values.items() if name in COMPARISONS
    ]
    made = []
    for name, wanted in entries.values.items():
        if name not in CONDITIONS:
            continue
        if effect == "permit" and not CONDITIONS[name].in_permit:
            reader.wrong(wanted, f"{name} is no condition of a permit", "a permit speaks of a value that is there")
        else:
            made += _made(reader, name, wanted, place, selector.total)
    alone = next((each.name for each in made if each.subject in (Subject.LIST, Subject.MISSING)), None)
    if alone and len(entries.values) > 1:
        reader.wrong(node, f"{alone} stands beside other conditions", "write a rule for each")
    return tuple(made), tuple(each for each in comparisons if each)


def _made(
    reader: PolicyReader, name: str, wanted: Node, place: DeclaredField | None, total: str = ""
) -> list[Condition]:
    """The condition, where it can mean something."""
    if CONDITIONS[name].expression and isinstance(wanted.value, str) and wanted.value not in reader.budget.patterns:
        reader.spend("patterns", wanted)
        reader.budget.patterns.add(wanted.value)
    try:
        if total:
            return [total_condition(name, wanted.plain(), totals()[total].unit)]
        made = condition(name, wanted.plain(), place.field if place else None)
    except InvalidCondition as invalid:
        reader.wrong(wanted, f"{name} {invalid}", invalid.help)
        return []
    if place is not None and made.members is not None:
        _values_of_siblings(reader, wanted, made.members, place)
    return [made]


def _values_of_siblings(reader: PolicyReader, node: Node, members: Members, place: DeclaredField) -> None:
    """A value that is no known one of the field, and one of a field beside it: of `cpu.mode`, and no `cpu.model`."""
    known = place.field.scalar.known if place.field.scalar is not None else None
    parent = place.path.rpartition(".")[0]
    shape = reader.declared_fields[parent].field.shape if parent in reader.declared_fields else None
    if known is None or shape is None:
        return
    listed = {value[1] for value in members.values if isinstance(value, tuple)} - known().names
    for each in shape.fields.values():
        values = sorted(listed.intersection(each.scalar.values)) if each.scalar is not None else []
        for value in values:
            other = each.declared_in(parent)
            problem = f"`{value}` is a value of `{other}`, and never one of `{place.path}`"
            reader.wrong(node, problem, f"write a rule about `path: {other}`")


def _comparison(reader: PolicyReader, name: str, node: Node, place: DeclaredField | None) -> Comparison | None:
    if not _like_a_path(node.value, reader):
        reader.wrong(node, f"{name} names another field, by its path", _as_value(name, node))
        return None
    path = reader.path(node)
    if place is None:
        reader.wrong(node, f"{name} compares two fields, and the rule names none", "name a `path` beside the class")
        return None
    if not path or path not in reader.declared_fields:
        return None
    ours, theirs = holding(place.field), holding(reader.declared_fields[path].field)
    if name == "outside" and ours != TEXT:
        reader.wrong(node, f"outside reads a reference, and the field holds {ours}", "use `not-equals`")
        return None
    if ours != theirs or place.field.scalar is None:
        reader.wrong(node, f"{name} compares {ours} with {theirs}", "name a field that holds the same")
        return None
    if path == place.path:
        reader.wrong(node, f"{name} compares a field with itself", "name another field")
        return None
    return Comparison(name, path, comparable(place.field))


def _like_a_path(content: object, reader: PolicyReader) -> bool:
    if not isinstance(content, str) or content in reader.declared_fields:
        return isinstance(content, str)
    apis = (reader.declared_fields, *reader.elsewhere.values(), ("spec",))
    return any(begins(content, each) for each in apis)


def _as_value(comparison: str, node: Node) -> str:
    """The way out where a comparison of two fields has a value."""
    value = node.value
    if comparison == "outside":
        return 'for a namespace by its name write `matches`, such as `matches: "shared/.*"`'
    word = "in" if comparison == "equals" else "not-in"
    plain = value if isinstance(value, str) and _WORD.fullmatch(value) and not WORD_BOOLEAN.fullmatch(value) else ""
    number = type(value) in (int, bool)
    return f"for a value write `{word}: [{shown(value) if number else plain or 'VALUE'}]`"


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
        conditions[path] = _guarded(reader, path, wanted, shown(name, 160))
    return guard(word, {path: each for path, each in conditions.items() if path})


def _guarded(reader: PolicyReader, path: str, node: Node, named: str) -> tuple[Condition, ...]:
    words = tuple(name for name, kind in CONDITIONS.items() if kind.in_guard)
    written = node.value if isinstance(node.value, dict) else {}
    for name in (each for each in COMPARISONS if each in written):
        problem = f"{name} compares two fields, and is a condition of `when` alone"
        reader.wrong(Node(None, *node.keys[name]), problem, _as_value(name, written[name]))
    if written:
        node = replace(node, value={name: each for name, each in written.items() if name not in COMPARISONS})
    entries: Entries = reader.mapping(node, f"the condition of `{named}`", words)
    if isinstance(node.value, dict) and not written:
        reader.wrong(node, f"nothing is asked of `{named}`", "write a condition, like `present: true`")
    place = reader.declared_fields.get(path)
    if place is None:
        return ()
    return tuple(each for name, wanted in entries.values.items() for each in _made(reader, name, wanted, place))
