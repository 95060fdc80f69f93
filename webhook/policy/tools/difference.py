"""Two sets of policies beside each other: which rules differ, for which fields that matters, and for one VM.

Pure, and about policies alone: who the VMs are, and how they are read, is the caller's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from webhook.declare import DeclaredField, around
from webhook.findings import Finding
from webhook.policy.engine.engine import Engine
from webhook.policy.engine.messages import DEFAULT_DENY
from webhook.policy.language.model import LABELS, LEVELS, Decision, Exemption, Match, Policy, Request, Rule
from webhook.policy.language.scope import chosen
from webhook.policy.language.selection import possible, selects
from webhook.policy.language.words import condition_words, exemption_words, match_words, rule_words, unconditional

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
# What a field's class and place come to, whatever the VM; the last where both depend on the value, by other conditions.
ALLOWED, REFUSED, BY_VALUE, OTHERWISE = "allowed", "refused", "by value", "by other values"
NEWLY_REFUSED, NEWLY_ALLOWED, REFUSED_OTHERWISE = "newly refused", "newly allowed", "refused otherwise"


@dataclass(frozen=True, slots=True)
class Edit:
    """A policy, a rule or an exception that is not the same on both sides.

    `before` and `after` are what it says, in words; empty where it is not there. The same words on both sides: its
    message or its help differs. `where` is its `FILE:LINE`, on the new side where it is there.
    """

    change: str
    what: str
    name: str
    before: str
    after: str
    where: str


@dataclass(frozen=True, slots=True)
class OutcomeChange:
    """A declared path and a class that come to something else for the namespaces of a level."""

    level: str
    path: str
    kind: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class VmChange:
    """What becomes of a VM: what is refused that was not, and what is no longer."""

    kind: str
    more: list[Finding]
    fewer: list[Finding]


def vm_change(before: Decision, after: Decision) -> VmChange | None:
    """How two decisions over the same VM differ in what they refuse, place by place; None where they do not."""
    old, new = ({finding.path for finding in each.findings} for each in (before, after))
    more = [finding for finding in after.findings if finding.path not in old]
    fewer = [finding for finding in before.findings if finding.path not in new]
    if not more and not fewer:
        return None
    kind = REFUSED_OTHERWISE if old and new else NEWLY_REFUSED if new else NEWLY_ALLOWED
    return VmChange(kind, more, fewer)


def edits(old: Iterable[Policy], new: Iterable[Policy]) -> list[Edit]:
    """Everything that an admin wrote otherwise, in the order of the new side, what is gone after it."""
    before, after = dict(_parts(old)), dict(_parts(new))
    found = []
    for key in (*after, *(key for key in before if key not in after)):
        was, now = before.get(key), after.get(key)
        if was is not None and now is not None and was.same == now.same:
            continue
        change = ADDED if was is None else REMOVED if now is None else CHANGED
        here = now or was
        found.append(Edit(change, *key, was.words if was else "", now.words if now else "", here.where if here else ""))
    return found


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a policy in words, and what else has to be equal for it to be unchanged."""

    words: str
    where: str
    more: tuple[str, ...] = ()

    @property
    def same(self) -> tuple[str, ...]:
        return (self.words, *self.more)


def _parts(policies: Iterable[Policy]) -> Iterator[tuple[tuple[str, str], _Part]]:
    """Each part by what it is and what it is named."""
    for policy in policies:
        yield ("policy", policy.name), _Part(match_words(policy), policy.where)
        for rule in policy.rules:
            yield ("rule", rule.id), _Part(rule_words(rule), rule.where, (rule.message, rule.help))
        for each in policy.exceptions:
            yield ("exception", exemption_words(each)), _Part(_until(each), each.where, (each.owner, each.ticket))


def _until(each: Exemption) -> str:
    return f"until {each.until}"


def narrowed(policies: Iterable[Policy]) -> list[str]:
    """The policies that hold in some namespaces or for some users only: no level alone says whether they do."""
    return [policy.name for policy in policies if policy.match != Match()]


def outcome_changes(old: Engine, new: Engine, declared_fields: Mapping[str, DeclaredField]) -> list[OutcomeChange]:
    """What is decided otherwise in a namespace of each level, by the policies that hold in all namespaces of it."""
    found = []
    for level in LEVELS:
        was, now = _by_place(_in_force(old, level)), _by_place(_in_force(new, level))
        for path, place in declared_fields.items():
            for kind in sorted(possible(place) - {"backend"}):
                found.append(_outcome_change(level, path, kind, _about(was, path, kind), _about(now, path, kind)))
    return [each for each in found if each.before != each.after]


def outcomes(engine: Engine) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Of each declared path and class what becomes of its values at each level, whatever the value is."""
    by_level = [_by_place(_in_force(engine, level)) for level in LEVELS]
    for path, place in engine.declared_fields.items():
        for kind in sorted(possible(place) - {"backend"}):
            yield path, kind, tuple(_outcome(_about(each, path, kind)) for each in by_level)


def _outcome_change(level: str, path: str, kind: str, before: Sequence[Rule], after: Sequence[Rule]) -> OutcomeChange:
    was, now = _outcome(before), _outcome(after)
    if was == now == BY_VALUE and _conditions(before) != _conditions(after):
        now = OTHERWISE
    return OutcomeChange(level, path, kind, was, now)


def _conditions(rules: Iterable[Rule]) -> set[tuple[str, str]]:
    return {(rule.effect, condition_words(rule)) for rule in rules}


def _in_force(engine: Engine, level: str) -> list[Rule]:
    request = Request(labels={LABELS["enforce"]: level})
    holding = (engine.policies[index] for index in chosen(engine.policies, request, "enforce", engine.default_level))
    return [rule for policy in holding if policy.match == Match() for rule in policy.rules]


_Index = Mapping[tuple[str, str], Sequence[Rule]]


def _by_place(rules: Iterable[Rule]) -> _Index:
    """Rules by the path and the class that they name: a place is asked about often, and most rules are not about it.

    What is about a requester's words decides nothing about a place of the VM that comes of them.
    """
    found: defaultdict[tuple[str, str], list[Rule]] = defaultdict(list)
    for rule in rules:
        if not rule.selector.total and not rule.stated:
            found[rule.selector.path, rule.selector.kind].append(rule)
    return found


def _about(rules: _Index, path: str, kind: str) -> list[Rule]:
    """The rules about values of a class at a place; the default deny is one."""
    named = (rules.get((place, word), ()) for place in ("", *around(path)) for word in ("", kind, "backend"))
    default = [DEFAULT_DENY[kind]] if kind in DEFAULT_DENY else []
    return [rule for each in named for rule in each if selects(rule, path, kind)] + default


def _outcome(rules: Sequence[Rule]) -> str:
    """What rules about one place and class come to without knowing the value."""
    always = {rule.effect for rule in rules if unconditional(rule)}
    effects = {rule.effect for rule in rules}
    if "forbid" in always:
        return REFUSED
    if "permit" in always or "deny" not in effects:
        return BY_VALUE if "forbid" in effects else ALLOWED
    return REFUSED if "deny" in always and "permit" not in effects else BY_VALUE
