"""`vmconfig diff`: what changed between two VMs, each change with its class and what the guest notices."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from webhook.abi.changes import LifeChange, changes
from webhook.abi.consequences import ChangeClass
from webhook.admission import offline
from webhook.admission.context import AdmissionContext
from webhook.cli import objects, verbs
from webhook.cli.verb import Verb
from webhook.declare import FieldPath
from webhook.declare.withheld import field_at
from webhook.domain import domain_shape
from webhook.expand.pipeline import extend
from webhook.findings import Finding, Refused
from webhook.kinds import KINDS, Kind

Tree = dict[str, Any]
_NOTHING = Finding("$", "there is no VM on either side", "name manifests of VMs", "kind")


def add_flags(parser: ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("old", metavar="A", help="a manifest, a folder of them, or vm/NAME: the VMs as they are")
    parser.add_argument("new", metavar="B", help="the same VMs as they shall be, complete or in a few words")
    objects.with_cluster(parser)
    verbs.with_rules(parser)


def run(given: Namespace) -> int:
    """Print what differs; exit code 1 where something does."""
    context, sides = verbs.context(given), (given.old, given.new)
    before, after = (objects.read(Namespace(**{**vars(given), "sources": [side], "filename": []})) for side in sides)
    compared = [_compared(*pair, context) for pair in _pairs(before.objects, after.objects, sides)]
    if given.output == "text":
        print("\n".join(line for each in compared for line in each.lines()))
    else:
        verbs.show([[each.tree() for each in compared]], given.output)
    return int(any(each.changes or each.words for each in compared))


@dataclass(frozen=True, slots=True)
class Compared:
    """Two states of one VM: what differs, and whether the words of its features do."""

    kind: Kind
    name: str
    changes: tuple[LifeChange, ...]
    words: bool

    def lines(self) -> Iterator[str]:
        """All of it as text."""
        yield f"{self.kind.name} {self.name}:" + ("" if self.changes or self.words else " nothing differs")
        for each in self.changes:
            yield f"  {self.kind.spec_path}.domain{each.change.path}: {each.text}"
            yield f"    {each.consequence}"
        if self.words and not self.changes:
            yield f"  {self.kind.spec_path}.features: other words for the same machine"
        if self.changes:
            counts = Counter(each.consequence.change_class for each in self.changes)
            yield "  " + ", ".join(f"{counts[one]} {one}" for one in ChangeClass if counts[one])

    def tree(self) -> Tree:
        """All of it as JSON."""
        return {
            "kind": self.kind.name,
            "name": self.name,
            "features": self.words,
            "changes": [
                {
                    "path": f"{self.kind.spec_path}.domain{each.change.path}",
                    "before": _value(each, each.change.old),
                    "after": _value(each, each.change.new),
                    "class": each.consequence.change_class.value,
                    "consequence": each.consequence.text,
                }
                for each in self.changes
            ],
        }


def _value(each: LifeChange, value: Any) -> Any:
    """A value as it is, unless it may be a secret; of a device or an entry of a list what names it."""
    entry = field_at(domain_shape(), FieldPath.parse(each.change.declared.removeprefix("domain.")))
    if value is not None and entry is not None and entry.secret:
        return "…"
    if type(value) is not dict:
        return value
    key = entry.shape.fields.get(entry.shape.key) if entry is not None and entry.shape is not None else None
    return None if key is None or key.secret else value.get(key.name)


def _pairs(old: list[Tree], new: list[Tree], sides: tuple[str, str]) -> Iterator[tuple[Tree, Tree]]:
    """The VMs of both sides by kind and name; one alone on each side is the same one, whatever its name."""
    before, after = ({_key(obj): obj for obj in objects_of} for objects_of in (old, new))
    if len(before) == len(after) == 1:
        yield from zip(before.values(), after.values(), strict=True)
        return
    findings = [
        Finding(f"{side}: {kind} {name}", "is on one side alone", "name manifests of the same VMs", "kind")
        for side, these, those in zip(sides, (before, after), (after, before), strict=True)
        for kind, name in these.keys() - those.keys()
    ]
    if findings or not before:
        raise Refused(sorted(findings, key=lambda finding: finding.path) or [_NOTHING])
    yield from ((obj, after[key]) for key, obj in before.items())


def _key(obj: Tree) -> tuple[str, str]:
    asked = offline.review_of(obj, KINDS[obj["kind"]])
    return asked.kind, f"{asked.namespace}/{asked.name}"


def _compared(old: Tree, new: Tree, context: AdmissionContext) -> Compared:
    """What the new one, as an update of the old one, changes; what is not yet complete is completed. Raises Refused."""
    kind, was = KINDS[new["kind"]], KINDS[old["kind"]]
    stored, made = offline.inspected(old, was), offline.inspected(new, kind)
    if not _is_complete(stored):
        stored = was.spec_of(offline.completed(old, was, context))
    asked = made.get("features") or {}
    try:
        made = extend(made, stored, context, kind.spec_path).spec
    except Refused:
        # Two complete machines can be compared even where one would be no update of the other.
        if not _is_complete(made):
            raise
    words = (stored.get("features") or {}) != asked
    return Compared(kind, _key(new)[1], tuple(changes(stored, made)), words)


def _is_complete(spec: Tree) -> bool:
    """Whether a spec came out of an expansion."""
    return bool(spec.get("domain")) and bool((spec.get("abi") or {}).get("ruleSet"))


VERBS = (Verb("diff", "what changed between two VMs, and what the guest notices", run, add_flags),)
